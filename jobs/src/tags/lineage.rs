//! Where the values of tags come from: from the tag's expression through the
//! optimised plan of every model behind it to columns of sources.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan};

use super::Catalogue;
use crate::error::Error;
use crate::project::tag::{Body, Tag};
use crate::project::{STAGED, TAGS};

/// A column of a table.
pub type Column = (String, String);

/// One step of a tag's way back: a column that it reads, and a source column
/// behind that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub tag: String,
    /// `value`, or `evidence` where it only decides whether there is one.
    pub role: &'static str,
    pub feature: String,
    pub column: String,
    pub source: String,
    pub source_column: String,
}

/// What every column of a plan comes from.
struct Traced {
    columns: Vec<BTreeSet<Column>>,
    /// What decides which rows there are: a count has no other origin.
    rows: BTreeSet<Column>,
}

/// The edges of all tags.
pub fn lineage(catalogue: &Catalogue<'_>) -> Result<BTreeSet<Edge>, Error> {
    let mut tracer = Tracer { catalogue, known: BTreeMap::new() };
    let mut edges = BTreeSet::new();
    for tag in &catalogue.project.tags.tags {
        let evidence = catalogue.project.tags.evidence.get(&tag.evidence);
        let mut read = Vec::new();
        tracer.read(tag, &mut BTreeSet::new(), &mut read);
        let reads = read.into_iter().map(|column| ("value", column));
        let asks = evidence.into_iter().flat_map(|evidence| {
            let columns = crate::project::tag::columns_of(&evidence.when);
            columns.into_iter().map(|column| ("evidence", (evidence.feature.clone(), column)))
        });
        for (role, (feature, column)) in reads.chain(asks) {
            for (source, source_column) in tracer.sources(&feature, &column)? {
                edges.insert(Edge {
                    tag: tag.name.clone(),
                    role,
                    feature: feature.clone(),
                    column: column.clone(),
                    source,
                    source_column,
                });
            }
        }
    }
    Ok(edges)
}

/// Of these columns of tables those that are sensitive, each with a tag that makes it so:
/// tags that read it, or a column of a source behind it, are all sensitive.
pub(super) fn sensitive<'a>(
    catalogue: &Catalogue<'a>,
    asked: &BTreeSet<Column>,
) -> Result<BTreeMap<Column, &'a str>, Error> {
    let mut readers: BTreeMap<Column, BTreeSet<String>> = BTreeMap::new();
    for edge in lineage(catalogue)?.into_iter().filter(|edge| edge.role == "value") {
        for column in [(edge.feature, edge.column), (edge.source, edge.source_column)] {
            readers.entry(column).or_default().insert(edge.tag.clone());
        }
    }
    let tags = &catalogue.project.tags;
    let by = |column: &Column| {
        let readers: Vec<&Tag> = readers.get(column)?.iter().filter_map(|name| tags.get(name)).collect();
        readers.first().copied().filter(|_| readers.iter().all(|tag| tag.is_sensitive()))
    };
    let mut tracer = Tracer { catalogue, known: BTreeMap::new() };
    let mut found = BTreeMap::new();
    for column in asked {
        let behind = tracer.sources(&column.0, &column.1)?;
        if let Some(tag) = std::iter::once(column).chain(&behind).find_map(by) {
            found.insert(column.clone(), tag.name.as_str());
        }
    }
    Ok(found)
}

struct Tracer<'a, 'b> {
    catalogue: &'b Catalogue<'a>,
    known: BTreeMap<String, BTreeMap<String, BTreeSet<Column>>>,
}

impl Tracer<'_, '_> {
    /// Feature columns that a tag reads, through the tags that it reads.
    fn read(&self, tag: &Tag, seen: &mut BTreeSet<String>, found: &mut Vec<Column>) {
        if !seen.insert(tag.name.clone()) {
            return;
        }
        match &tag.body {
            Body::Sql(expression) if tag.feature != TAGS => {
                found.extend(expression.columns.iter().map(|column| (tag.feature.clone(), column.clone())));
            }
            _ => {
                let tags = &self.catalogue.project.tags;
                for other in tag.tags_read().into_iter().filter_map(|name| tags.get(name)) {
                    self.read(other, seen, found);
                }
                if let Some(peers) = tags.peers.get(&tag.peers).filter(|_| !tag.picks().is_empty()) {
                    let columns = peers.levels.iter();
                    found.extend(columns.map(|column| ("stg_accounts".to_owned(), column.clone())));
                }
            }
        }
    }

    /// Columns of sources behind a column of a table.
    fn sources(&mut self, table: &str, column: &str) -> Result<BTreeSet<Column>, Error> {
        if let Some(source) =
            table.strip_prefix(STAGED).filter(|source| self.catalogue.project.contracts.contains_key(*source))
        {
            return Ok(BTreeSet::from([(source.to_owned(), column.to_owned())]));
        }
        if !self.known.contains_key(table) {
            let traced = self.model(table)?;
            self.known.insert(table.to_owned(), traced);
        }
        Ok(self.known.get(table).and_then(|columns| columns.get(column)).cloned().unwrap_or_default())
    }

    fn model(&mut self, table: &str) -> Result<BTreeMap<String, BTreeSet<Column>>, Error> {
        let Some(plan) = self.catalogue.plans.get(table) else { return Ok(BTreeMap::new()) };
        let failed = |error| Error::Query(Box::new(error));
        let plan = self.catalogue.context.state().optimize(plan).map_err(failed)?;
        let traced = trace(&plan).map_err(failed)?;
        let mut columns = BTreeMap::new();
        for (field, read) in plan.schema().fields().iter().zip(traced.columns) {
            let mut sources = BTreeSet::new();
            for (table, column) in read {
                sources.extend(self.sources(&table, &column)?);
            }
            columns.insert(field.name().clone(), sources);
        }
        Ok(columns)
    }
}

/// Follows every column of a plan to the tables that it scans.
fn trace(plan: &LogicalPlan) -> Result<Traced> {
    let inputs = plan.inputs().into_iter().map(trace).collect::<Result<Vec<_>>>()?;
    let mut rows: BTreeSet<Column> = inputs.iter().flat_map(|input| input.rows.clone()).collect();
    let schema = plan.inputs().first().map(|input| input.schema().as_ref().clone());
    let of = |expressions: &[Expr], rows: &BTreeSet<Column>| -> Vec<BTreeSet<Column>> {
        let (Some(input), Some(schema)) = (inputs.first(), &schema) else { return Vec::new() };
        expressions.iter().map(|expression| sources_of(expression, input, schema, rows)).collect()
    };
    let columns = match plan {
        LogicalPlan::TableScan(scan) => {
            let table = scan.table_name.table().to_owned();
            let names = scan.filters.iter().flat_map(|filter| filter.column_refs().into_iter().map(|c| c.name.clone()));
            rows.extend(names.map(|name| (table.clone(), name)).collect::<Vec<_>>());
            let fields = scan.projected_schema.fields().iter();
            fields.map(|field| BTreeSet::from([(table.clone(), field.name().clone())])).collect()
        }
        LogicalPlan::Projection(projection) => of(&projection.expr, &rows),
        LogicalPlan::Aggregate(aggregate) => {
            let groups = of(&aggregate.group_expr, &rows);
            let mut deciding = rows.clone();
            deciding.extend(groups.iter().flatten().cloned());
            groups.into_iter().chain(of(&aggregate.aggr_expr, &deciding)).collect()
        }
        LogicalPlan::Window(window) => {
            let passed = inputs.first().map(|input| input.columns.clone()).unwrap_or_default();
            passed.into_iter().chain(of(&window.window_expr, &rows)).collect()
        }
        LogicalPlan::Filter(filter) => {
            if let (Some(input), Some(schema)) = (inputs.first(), &schema) {
                rows.extend(sources_of(&filter.predicate, input, schema, &BTreeSet::new()));
            }
            inputs.first().map(|input| input.columns.clone()).unwrap_or_default()
        }
        LogicalPlan::Join(join) => {
            let [left, right] = inputs.as_slice() else { return Ok(Traced { columns: Vec::new(), rows }) };
            for (on_left, on_right) in &join.on {
                rows.extend(sources_of(on_left, left, join.left.schema(), &BTreeSet::new()));
                rows.extend(sources_of(on_right, right, join.right.schema(), &BTreeSet::new()));
            }
            match join.join_type {
                JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => left.columns.clone(),
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => right.columns.clone(),
                _ => left.columns.iter().chain(&right.columns).cloned().collect(),
            }
        }
        LogicalPlan::Unnest(unnest) => {
            let columns = inputs.first().map(|input| &input.columns);
            let at = |index: &usize| columns.and_then(|columns| columns.get(*index)).cloned().unwrap_or_default();
            unnest.dependency_indices.iter().map(at).collect()
        }
        LogicalPlan::Union(_) | LogicalPlan::Distinct(Distinct::All(_)) => {
            let mut columns: Vec<BTreeSet<Column>> = vec![BTreeSet::new(); plan.schema().fields().len()];
            for input in &inputs {
                columns.iter_mut().zip(&input.columns).for_each(|(all, one)| all.extend(one.iter().cloned()));
            }
            columns
        }
        // The rest passes its first input through.
        _ => inputs.first().map(|input| input.columns.clone()).unwrap_or_default(),
    };
    Ok(Traced { columns, rows })
}

/// What an expression comes from; one without columns counts rows.
fn sources_of(expression: &Expr, input: &Traced, schema: &DFSchema, rows: &BTreeSet<Column>) -> BTreeSet<Column> {
    let columns = expression.column_refs();
    if columns.is_empty() && !matches!(expression, Expr::Literal(..)) {
        return rows.clone();
    }
    let positions = columns.into_iter().filter_map(|column| schema.maybe_index_of_column(column));
    positions.filter_map(|position| input.columns.get(position)).flatten().cloned().collect()
}
