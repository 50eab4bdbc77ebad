//! The SQL that tags become: one scan per feature table and slice, one wide row
//! per account.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Body, Evidence, Peers, Pick, Tag, Tags};
use crate::project::model::quoted;
use crate::project::{CUTS, HISTOGRAMS, PREVIOUS_TAGS, TAGS};

/// Where every account stands, whatever else is known of it.
const ACCOUNTS: &str = "stg_accounts";
/// Of an account whose group nobody knows.
const UNKNOWN: &str = "unknown";

/// What stands from before the run, by columns.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// Tags of the release before, whose values may be held on to.
    pub tags: BTreeSet<String>,
    /// Percentiles in the table of cuts; `None` where this run makes them.
    pub cuts: Option<BTreeSet<String>>,
    /// All columns of the tags of the release before.
    pub columns: BTreeSet<String>,
    /// Whether that release says how its tags are distributed.
    pub has_counts: bool,
}

/// Compiles tags into SQL.
pub struct Wide<'a> {
    pub tags: &'a Tags,
    /// Tells which sources the lake does not have: what depends on them is
    /// unknown for that reason.
    pub is_absent: &'a dyn Fn(&str) -> bool,
    pub before: &'a Before,
    pub catalog_version: &'a str,
}

/// A feature table, and which of its rows.
type Scan<'a> = (&'a str, Option<&'a str>);

impl Wide<'_> {
    /// The wide table of the tags chosen.
    pub fn sql(&self, chosen: &dyn Fn(&Tag) -> bool) -> String {
        let needed = self.tags.with_read(chosen);
        let mut sql = String::from("with\n");
        let picks: BTreeSet<Pick> = needed.iter().flat_map(|tag| tag.picks()).collect();
        let last = self.write_tags(&needed, &self.peers(&picks).collect::<Vec<_>>(), &mut sql);
        let _ = write!(
            sql,
            "\nselect\n  account_id,\n  cast($as_of as date) as as_of,\n  '{}' as catalog_version",
            self.catalog_version
        );
        let shown: Vec<&Tag> = needed.iter().copied().filter(|tag| chosen(tag)).collect();
        for tag in &shown {
            let _ = write!(sql, ",\n  {}", tag.name);
        }
        for evidence in self.evidence(&shown) {
            let _ = write!(sql, ",\n  cast(evidence_{0} as varchar) as evidence_{0}", evidence.name);
        }
        let _ = write!(sql, "\nfrom {last}\n");
        sql
    }

    /// Accounts of each group of peers by value, for every tag that is compared
    /// with peers: per bucket, to be added up.
    pub fn histograms_sql(&self) -> String {
        let picks = self.tags.picks();
        let measured: BTreeSet<&str> = picks.iter().map(|pick| pick.tag.as_str()).collect();
        let needed = self.tags.with_read(&|tag| measured.contains(tag.name.as_str()));
        let mut sql = String::from("with\n");
        let last = self.write_tags(&needed, &self.peers(&picks).collect::<Vec<_>>(), &mut sql);
        let groups: Vec<String> = self
            .peers(&picks)
            .map(|peers| {
                format!(
                    "named_struct('peers', '{0}', 'levels', {1}, 'peer_group', peers_{0})",
                    peers.name,
                    peers.levels.len()
                )
            })
            .collect();
        let columns: Vec<String> = measured.iter().map(|tag| (*tag).to_owned()).collect();
        let histograms: Vec<String> =
            columns.iter().map(|tag| format!("histogram({tag}) as {tag}")).collect();
        let cells: Vec<String> =
            columns.iter().map(|tag| format!("named_struct('tag', '{tag}', 'cells', {tag})")).collect();
        let _ = write!(
            sql,
            ",\nmember as (\n  select unnest(make_array(\n    {})) as peer, {}\n  from {last}\n),\n\
             grouped as (\n  select peer['peers'] as peers, peer['levels'] as levels, peer['peer_group'] as peer_group,\n    {}\n  from member\n  group by 1, 2, 3\n),\n\
             tagged as (\n  select peers, levels, peer_group, unnest(make_array(\n    {})) as tagged\n  from grouped\n),\n\
             cell as (\n  select peers, levels, peer_group, tagged['tag'] as tag, unnest(tagged['cells']) as cell from tagged\n)\n\
             select\n  peers,\n  levels,\n  peer_group,\n  tag,\n  cast(cell['value'] as decimal(38, 6)) as value,\n  cell['count'] as accounts\nfrom cell\n",
            groups.join(",\n    "),
            columns.join(", "),
            histograms.join(",\n    "),
            cells.join(",\n    "),
        );
        sql
    }

    /// Percentiles of every tag that is compared with peers, for every group: a
    /// group of too few accounts takes those of the next wider one.
    pub fn cuts_sql(&self) -> String {
        let picks = self.tags.picks();
        let cuts: BTreeSet<(&str, u32)> = picks.iter().map(|pick| (pick.tag.as_str(), pick.percentile)).collect();
        let tags: BTreeSet<&str> = cuts.iter().map(|(tag, _)| *tag).collect();
        let least: String = self.peers(&picks).fold(String::new(), |mut text, peers| {
            let _ = write!(text, " when '{}' then {}", peers.name, peers.least_accounts);
            text
        });
        let mut sql = format!(
            "with\nspread as (\n  select peers, peer_group, tag, value, accounts, unnest(range(0, levels + 1)) as level\n  from {HISTOGRAMS}\n),\n\
             cell as (\n  select\n    peers,\n    level,\n    array_to_string(array_slice(string_to_array(peer_group, '/'), 1, level), '/') as wider,\n    tag,\n    value,\n    sum(accounts) as accounts\n  from spread\n  group by 1, 2, 3, 4, 5\n),\n\
             ranked as (\n  select\n    peers, level, wider, tag, value,\n    sum(accounts) over (partition by peers, level, wider, tag order by value) as up_to,\n    sum(accounts) over (partition by peers, level, wider, tag) as total\n  from cell\n),\n\
             cut as (\n  select peers, level, wider"
        );
        for tag in &tags {
            let _ = write!(sql, ",\n    coalesce(max(total) filter (where tag = '{tag}'), 0) as {tag}__accounts");
        }
        for (tag, percentile) in &cuts {
            let _ = write!(
                sql,
                ",\n    min(value) filter (where tag = '{tag}' and up_to * 100 >= total * {percentile}) as {tag}__p{percentile}"
            );
        }
        let _ = write!(
            sql,
            "\n  from ranked\n  group by 1, 2, 3\n),\n\
             member as (\n  select distinct peers, peer_group, level,\n    array_to_string(array_slice(string_to_array(peer_group, '/'), 1, level), '/') as wider,\n    case peers{least} end as least_accounts\n  from spread\n)\n\
             select\n  member.peers,\n  member.peer_group,\n  cast($as_of as date) as frozen_as_of"
        );
        for tag in &tags {
            let _ = write!(
                sql,
                ",\n  first_value({tag}__accounts order by member.level desc) filter (where {tag}__accounts >= least_accounts) as {tag}__accounts"
            );
        }
        for (tag, percentile) in &cuts {
            let _ = write!(
                sql,
                ",\n  first_value({tag}__p{percentile} order by member.level desc) filter (where {tag}__accounts >= least_accounts) as {tag}__p{percentile}"
            );
        }
        sql.push_str(
            "\nfrom member\njoin cut on cut.peers = member.peers and cut.level = member.level and cut.wider = member.wider\ngroup by 1, 2\n",
        );
        sql
    }

    fn peers<'b>(&'b self, picks: &'b BTreeSet<Pick>) -> impl Iterator<Item = &'b Peers> {
        let used: BTreeSet<&str> = picks.iter().map(|pick| pick.peers.as_str()).collect();
        self.tags.peers.values().filter(move |peers| used.contains(peers.name.as_str()))
    }

    fn evidence<'b>(&'b self, tags: &[&Tag]) -> Vec<&'b Evidence> {
        let used: BTreeSet<&str> = tags.iter().map(|tag| tag.evidence.as_str()).collect();
        self.tags.evidence.values().filter(|evidence| used.contains(evidence.name.as_str())).collect()
    }

    /// Writes the steps that end with a row per account and a column per tag;
    /// gives the name of the last one.
    fn write_tags(&self, needed: &[&Tag], peers: &[&Peers], sql: &mut String) -> String {
        let evidence = self.evidence(needed);
        let picks: BTreeSet<Pick> = needed.iter().flat_map(|tag| tag.picks()).collect();
        let held: Vec<&Tag> = needed.iter().copied().filter(|tag| tag.has_hysteresis()).collect();
        let mut scans: BTreeSet<Scan<'_>> = evidence.iter().map(|evidence| scan_of_evidence(evidence)).collect();
        scans.extend(needed.iter().filter(|tag| !tag.is_over_tags()).map(|tag| scan_of(tag)));
        scans.remove(&(ACCOUNTS, None));
        let scans: Vec<Scan<'_>> = scans.into_iter().collect();
        // Accounts are where the others are joined to.
        self.write_scan((ACCOUNTS, None), "account", needed, &evidence, peers, sql);
        for (index, scan) in scans.iter().enumerate() {
            self.write_scan(*scan, &scan_name(index, scan.0), needed, &evidence, &[], sql);
        }
        let before: Vec<&str> =
            held.iter().map(|tag| tag.name.as_str()).filter(|name| self.before.tags.contains(*name)).collect();
        if !before.is_empty() {
            let columns: Vec<String> = before.iter().map(|name| format!("{name} as {name}__before")).collect();
            let _ = write!(sql, "before as (\n  select account_id, {}\n  from {PREVIOUS_TAGS}\n),\n", columns.join(", "));
        }
        let compared: Vec<&Peers> = self.peers(&picks).collect();
        for peers in &compared {
            let cuts: Vec<String> = picks
                .iter()
                .filter(|pick| pick.peers == peers.name)
                .map(|pick| match &self.before.cuts {
                    Some(known) if !known.contains(&pick.cut()) => {
                        format!("cast(null as decimal(38, 6)) as {}", pick.column())
                    }
                    _ => format!("{} as {}", pick.cut(), pick.column()),
                })
                .collect();
            let _ = write!(
                sql,
                "cuts_{0} as (\n  select peer_group, {1}\n  from {CUTS}\n  where peers = '{0}'\n),\n",
                peers.name,
                cuts.join(", ")
            );
        }
        sql.push_str("known as (\n  select\n    account.*");
        for (index, scan) in scans.iter().enumerate() {
            let name = scan_name(index, scan.0);
            for evidence in evidence.iter().filter(|evidence| scan_of_evidence(evidence) == *scan) {
                let reason = match self.is_out(evidence) {
                    true => "'source_absent'".to_owned(),
                    false => format!("case when {name}.account_id is null then 'no_rows' else {name}.reason_{0} end", evidence.name),
                };
                let _ = write!(sql, ",\n    {reason} as evidence_{}", evidence.name);
            }
            for tag in needed.iter().filter(|tag| !tag.is_over_tags() && scan_of(tag) == *scan) {
                let _ = write!(sql, ",\n    {name}.{0} as {0}__found", tag.name);
                if tag.has_hysteresis() {
                    let _ = write!(sql, ",\n    {name}.{0}__stay", tag.name);
                }
            }
        }
        for name in &before {
            let _ = write!(sql, ",\n    before.{name}__before");
        }
        for pick in &picks {
            let _ = write!(sql, ",\n    cuts_{}.{}", pick.peers, pick.column());
        }
        sql.push_str("\n  from account");
        for (index, scan) in scans.iter().enumerate() {
            let name = scan_name(index, scan.0);
            let _ = write!(sql, "\n  left join {name} on {name}.account_id = account.account_id");
        }
        if !before.is_empty() {
            sql.push_str("\n  left join before on before.account_id = account.account_id");
        }
        for Peers { name, .. } in &compared {
            let _ = write!(sql, "\n  left join cuts_{name} on cuts_{name}.peer_group = account.peers_{name}");
        }
        sql.push_str("\n),\ntags_0 as (\n  select\n    account_id");
        for evidence in &evidence {
            let _ = write!(sql, ",\n    evidence_{}", evidence.name);
        }
        for peers in peers {
            let _ = write!(sql, ",\n    peers_{}", peers.name);
        }
        for name in &before {
            let _ = write!(sql, ",\n    {name}__before");
        }
        for pick in &picks {
            let _ = write!(sql, ",\n    {}", pick.column());
        }
        for tag in needed.iter().filter(|tag| !tag.is_over_tags()) {
            let (found, stay) = (format!("{}__found", tag.name), format!("{}__stay", tag.name));
            let value = self.held(tag, &found, Some(&stay).filter(|_| tag.has_hysteresis()));
            let _ = write!(sql, ",\n    case when evidence_{} is null then {value} end as {}", tag.evidence, tag.name);
        }
        sql.push_str("\n  from known\n)");
        self.write_levels(needed, sql)
    }

    /// Tags over tags, those that read each other one after the other.
    fn write_levels(&self, needed: &[&Tag], sql: &mut String) -> String {
        let mut done: BTreeSet<&str> =
            needed.iter().filter(|tag| !tag.is_over_tags()).map(|tag| tag.name.as_str()).collect();
        let mut rest: Vec<&Tag> = needed.iter().copied().filter(|tag| tag.is_over_tags()).collect();
        let mut level = 0;
        while !rest.is_empty() {
            let (ready, waiting): (Vec<&Tag>, Vec<&Tag>) =
                rest.iter().partition(|tag| tag.values_read().all(|name| done.contains(name)));
            if ready.is_empty() {
                break;
            }
            level += 1;
            let _ = write!(sql, ",\ntags_{level} as (\n  select\n    *");
            for tag in &ready {
                let (enter, exit) = match &tag.body {
                    Body::Sql(expression) => (expression.enter.clone(), expression.exit.clone()),
                    Body::Tier { of, .. } => (tier_sql(of, &tag.picks()), None),
                };
                let value = self.held(tag, &enter, exit.as_ref());
                let _ = write!(sql, ",\n    case when evidence_{} is null then {value} end as {}", tag.evidence, tag.name);
            }
            let _ = write!(sql, "\n  from tags_{}\n)", level - 1);
            done.extend(ready.iter().map(|tag| tag.name.as_str()));
            rest = waiting;
        }
        format!("tags_{level}")
    }

    /// The value of the release before as long as the expression still gives it
    /// under the values at which it is left; else what it gives now.
    fn held(&self, tag: &Tag, enter: &str, exit: Option<&String>) -> String {
        match exit {
            Some(exit) if self.before.tags.contains(&tag.name) => {
                format!("case when {}__before = ({exit}) then ({exit}) else ({enter}) end", tag.name)
            }
            _ => format!("({enter})"),
        }
    }

    fn is_out(&self, evidence: &Evidence) -> bool {
        !evidence.sources.is_empty() && evidence.sources.iter().all(|source| (self.is_absent)(source))
    }

    fn write_scan(
        &self,
        scan: Scan<'_>,
        name: &str,
        tags: &[&Tag],
        evidence: &[&Evidence],
        peers: &[&Peers],
        sql: &mut String,
    ) {
        let (feature, slice) = scan;
        let is_base = feature == ACCOUNTS;
        let _ = write!(sql, "{name} as (\n  select\n    account_id");
        for Peers { name, levels, .. } in peers {
            let levels: Vec<String> = levels
                .iter()
                .map(|column| format!("replace(coalesce(cast({} as varchar), '{UNKNOWN}'), '/', '_')", quoted(column)))
                .collect();
            let _ = write!(sql, ",\n    concat({}) as peers_{name}", levels.join(", '/', "));
        }
        for evidence in evidence.iter().filter(|evidence| scan_of_evidence(evidence) == scan) {
            let column = if is_base { "evidence" } else { "reason" };
            let _ = write!(
                sql,
                ",\n    case when {} then null else '{}' end as {column}_{}",
                evidence.when, evidence.reason, evidence.name
            );
        }
        for tag in tags.iter().filter(|tag| !tag.is_over_tags() && scan_of(tag) == scan) {
            let Body::Sql(expression) = &tag.body else { continue };
            let (found, stay) = if is_base { ("__found", "__stay") } else { ("", "__stay") };
            let _ = write!(sql, ",\n    ({}) as {}{found}", expression.enter, tag.name);
            if let Some(exit) = &expression.exit {
                let _ = write!(sql, ",\n    ({exit}) as {}{stay}", tag.name);
            }
        }
        let _ = write!(sql, "\n  from {feature}");
        if let Some(slice) = slice {
            let _ = write!(sql, "\n  where {slice}");
        }
        sql.push_str("\n),\n");
    }
}

fn scan_of(tag: &Tag) -> Scan<'_> {
    (&tag.feature, tag.slice.as_deref())
}

fn scan_of_evidence(evidence: &Evidence) -> Scan<'_> {
    (&evidence.feature, evidence.slice.as_deref())
}

fn scan_name(index: usize, feature: &str) -> String {
    format!("scan_{}_{feature}", index + 1)
}

/// 1 up to the first cut, 2 above it, and so on.
fn tier_sql(of: &str, picks: &[Pick]) -> String {
    let above: Vec<String> =
        picks.iter().map(|pick| format!("case when {of} > {} then 1 else 0 end", pick.column())).collect();
    let known = picks.first().map_or_else(String::new, |pick| format!(" or {} is null", pick.column()));
    format!("case when {of} is null{known} then null else cast(1 + {} as int) end", above.join(" + "))
}

impl Tags {
    /// Tables that the compiled SQL reads besides feature tables.
    pub fn features(&self) -> BTreeSet<&str> {
        let of_tags = self.tags.iter().filter(|tag| !tag.is_over_tags()).map(|tag| tag.feature.as_str());
        of_tags.chain(self.evidence.values().map(|evidence| evidence.feature.as_str())).filter(|name| *name != TAGS).collect()
    }
}
