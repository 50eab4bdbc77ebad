//! How our nodes travel: as JSON behind a mark, with the id of the build that
//! made them. A process of another build refuses them, because equal results
//! are promised for one binary only.

use std::sync::Arc;

use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result, TableReference, exec_err, internal_err};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Extension, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use serde::{Deserialize, Serialize};

use arrow::datatypes::SchemaRef;

use super::align::AlignExec;
use super::check_exec::{CheckExec, CheckSpec};
use super::failpoint::build_id;
use super::relation::Relation;
use super::text_scan::{TextScanExec, TextScanSpec};
use super::write::{WriteExec, WriteSpec};
use crate::project::tag::Side;
use crate::state::{FileKind, PinnedFile};

const MARK: &[u8] = b"\xffkwhy1";

/// The words by which a refusal is known on the other side of the wire.
pub const OTHER_BUILD: &str = "comes from another build of kwhy";

#[derive(Serialize, Deserialize)]
struct Envelope {
    build: String,
    node: Node,
}

#[derive(Serialize, Deserialize)]
enum Node {
    Write(WriteSpec),
    Check(CheckSpec),
    Text(TextScanSpec),
    Align(Vec<Vec<Side>>),
    Relation { name: String, partitions: usize, kind: FileKind, files: Vec<PinnedFile> },
}

fn put(node: Node, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.extend_from_slice(MARK);
    let envelope = Envelope { build: build_id(), node };
    serde_json::to_writer(buffer, &envelope).map_err(|error| DataFusionError::External(Box::new(error)))
}

/// `None` for nodes that are not ours.
fn take(buffer: &[u8]) -> Result<Option<Node>> {
    let Some(json) = buffer.strip_prefix(MARK) else { return Ok(None) };
    let envelope: Envelope =
        serde_json::from_slice(json).map_err(|error| DataFusionError::External(Box::new(error)))?;
    let ours = build_id();
    if envelope.build != ours {
        return exec_err!("the unit {OTHER_BUILD}: {} sent it, {ours} received it", envelope.build);
    }
    Ok(Some(envelope.node))
}

/// Plans of units.
#[derive(Debug, Default)]
pub struct PhysicalCodec {
    ballista: BallistaPhysicalExtensionCodec,
}

impl PhysicalExtensionCodec for PhysicalCodec {
    fn try_decode(
        &self,
        buffer: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (take(buffer)?, inputs) {
            (Some(Node::Write(spec)), [input]) => Ok(Arc::new(WriteExec::new(Arc::clone(input), spec))),
            (Some(Node::Check(spec)), [input]) => Ok(Arc::new(CheckExec::new(Arc::clone(input), spec))),
            (Some(Node::Align(sides)), inputs) => Ok(Arc::new(AlignExec::try_new(sides, inputs.to_vec())?)),
            (Some(Node::Text(spec)), []) => Ok(Arc::new(TextScanExec::new(spec))),
            (Some(_), _) => internal_err!("a node of kwhy arrived with {} inputs", inputs.len()),
            (None, _) => self.ballista.try_decode(buffer, inputs, context, converter),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buffer: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        if let Some(write) = node.downcast_ref::<WriteExec>() {
            put(Node::Write(write.spec.clone()), buffer)
        } else if let Some(check) = node.downcast_ref::<CheckExec>() {
            put(Node::Check(check.spec.clone()), buffer)
        } else if let Some(align) = node.downcast_ref::<AlignExec>() {
            put(Node::Align(align.sides.clone()), buffer)
        } else if let Some(scan) = node.downcast_ref::<TextScanExec>() {
            put(Node::Text(scan.spec.clone()), buffer)
        } else {
            self.ballista.try_encode(node, buffer, converter)
        }
    }
}

/// Ad-hoc SQL: relations with their pinned files.
#[derive(Debug, Default)]
pub struct LogicalCodec {
    ballista: BallistaLogicalExtensionCodec,
}

impl LogicalExtensionCodec for LogicalCodec {
    fn try_decode(&self, buffer: &[u8], inputs: &[LogicalPlan], context: &TaskContext) -> Result<Extension> {
        self.ballista.try_decode(buffer, inputs, context)
    }

    fn try_encode(&self, node: &Extension, buffer: &mut Vec<u8>) -> Result<()> {
        self.ballista.try_encode(node, buffer)
    }

    fn try_decode_table_provider(
        &self,
        buffer: &[u8],
        table: &TableReference,
        schema: SchemaRef,
        context: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        let Some(node) = take(buffer)? else {
            return self.ballista.try_decode_table_provider(buffer, table, schema, context);
        };
        let Node::Relation { name, partitions, kind, files } = node else {
            return internal_err!("a node of kwhy arrived in place of a relation");
        };
        let files_width = schema.fields().len().saturating_sub(partitions);
        let (file_columns, partition) = schema.fields().split_at(files_width);
        Ok(Arc::new(Relation {
            name,
            file_schema: Arc::new(arrow::datatypes::Schema::new(file_columns.to_vec())),
            partition: partition.to_vec(),
            kind,
            check: None,
            estimate: None,
            files: Some(Arc::new(files)),
        }))
    }

    fn try_encode_table_provider(
        &self,
        table: &TableReference,
        provider: Arc<dyn TableProvider>,
        buffer: &mut Vec<u8>,
    ) -> Result<()> {
        let any: &dyn std::any::Any = provider.as_ref();
        let Some(relation) = any.downcast_ref::<Relation>() else {
            return self.ballista.try_encode_table_provider(table, provider, buffer);
        };
        let files = relation.files.as_deref().cloned().unwrap_or_default();
        let node = Node::Relation {
            name: relation.name.clone(),
            partitions: relation.partition.len(),
            kind: relation.kind.clone(),
            files,
        };
        put(node, buffer)
    }

    fn try_decode_file_format(&self, buffer: &[u8], context: &TaskContext) -> Result<Arc<dyn FileFormatFactory>> {
        self.ballista.try_decode_file_format(buffer, context)
    }

    fn try_encode_file_format(&self, buffer: &mut Vec<u8>, node: Arc<dyn FileFormatFactory>) -> Result<()> {
        self.ballista.try_encode_file_format(buffer, node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> WriteSpec {
        WriteSpec {
            table: "t".into(),
            folder: "f".into(),
            unit: "u".into(),
            partition: vec![],
            key: vec!["k".into()],
            is_versioned: false,
        }
    }

    #[test]
    fn a_unit_of_this_build_arrives_as_it_was_sent() {
        let mut buffer = Vec::new();
        put(Node::Write(spec()), &mut buffer).expect("sent");
        assert!(matches!(take(&buffer), Ok(Some(Node::Write(arrived))) if arrived == spec()));
        assert!(matches!(take(b"something of Ballista's"), Ok(None)));
    }

    #[test]
    fn a_unit_of_another_build_is_refused_with_both_names() {
        let envelope = Envelope { build: "0123456789abcdef".into(), node: Node::Write(spec()) };
        let mut buffer = MARK.to_vec();
        serde_json::to_writer(&mut buffer, &envelope).expect("sent");
        let refused = take(&buffer).map(|_| ()).expect_err("another build").to_string();
        for part in [OTHER_BUILD, "0123456789abcdef", &build_id()] {
            assert!(refused.contains(part), "{part} is not in: {refused}");
        }
    }
}
