//! The SQL that tags become: one scan per feature table, one wide row per account,
//! and over it every tag's own arithmetic.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::expression::columns_of;
use super::wide::{ALIGNED, Compiled, Part, Scans, Side, WideRelation, scan_of, scan_of_evidence};
use super::{Body, Evidence, Peers, Pick, Tag, Tags};
use crate::project::model::quoted;
use crate::project::{CUTS, HISTOGRAM_PARTS, HISTOGRAMS, PREVIOUS_TAGS, TAGS};

/// The tags of the release before, in the wide relation.
const BEFORE: &str = "before";
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
    /// All columns of its segments.
    pub segments: BTreeSet<String>,
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

impl Wide<'_> {
    /// The wide table of the tags chosen.
    pub fn sql(&self, chosen: &dyn Fn(&Tag) -> bool) -> Compiled {
        let needed = self.tags.with_read(chosen);
        let shown: Vec<&Tag> = needed.iter().copied().filter(|tag| chosen(tag)).collect();
        let reasons: Vec<String> =
            self.evidence(&shown).iter().map(|evidence| format!("evidence_{}", evidence.name)).collect();
        let names: Vec<String> = shown.iter().map(|tag| tag.name.clone()).chain(reasons).collect();
        let sql = format!(
            "select\n  account_id,\n  cast($as_of as date) as as_of,\n  '{}' as catalog_version,\n  {}\nfrom {ALIGNED}\n",
            self.catalog_version,
            names.join(",\n  ")
        );
        Compiled { sql, wide: Some(self.relation(&needed, &[], &names)) }
    }

    /// Accounts of each group of peers by value, for every tag that is compared
    /// with peers: per bucket, to be added up.
    pub fn histogram_parts_sql(&self) -> Compiled {
        let picks = self.tags.picks();
        let measured: BTreeSet<&str> = picks.iter().map(|pick| pick.tag.as_str()).collect();
        let needed = self.tags.with_read(&|tag| measured.contains(tag.name.as_str()));
        let peers: Vec<&Peers> = self.peers(&picks).collect();
        let columns: Vec<String> = measured.iter().map(|tag| (*tag).to_owned()).collect();
        let names: Vec<String> =
            peers.iter().map(|peers| format!("peers_{}", peers.name)).chain(columns.iter().cloned()).collect();
        let groups = peers.iter().map(|peers| {
            format!(
                "named_struct('peers', '{0}', 'levels', {1}, 'peer_group', peers_{0})",
                peers.name,
                peers.levels.len()
            )
        });
        let sql = format!(
            "with\nmember as (\n  select unnest(make_array(\n    {groups})) as peer, named_struct({record}) as record\n  from {ALIGNED}\n),\n\
             grouped as (\n  select peer['peers'] as peers, peer['levels'] as levels, peer['peer_group'] as peer_group, field_counts(record) as cells\n  from member\n  group by 1, 2, 3\n),\n\
             cell as (\n  select peers, levels, peer_group, unnest(cells) as cell from grouped\n)\n\
             select\n  peers,\n  levels,\n  peer_group,\n  cell['field'] as tag,\n  cast(cell['value'] as decimal(38, 6)) as value,\n  cell['count'] as accounts\nfrom cell\nwhere cell['value'] is not null\n",
            groups = groups.collect::<Vec<_>>().join(",\n    "),
            record = record(&columns),
        );
        Compiled { sql, wide: Some(self.relation(&needed, &peers, &names)) }
    }

    /// The same over all accounts.
    pub fn histograms_sql() -> String {
        format!(
            "select peers, levels, peer_group, tag, value, sum(accounts) as accounts\nfrom {HISTOGRAM_PARTS}\ngroup by peers, levels, peer_group, tag, value\n"
        )
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

    /// The wide relation of tags, with the columns of `names` at its end.
    fn relation(&self, needed: &[&Tag], peers: &[&Peers], names: &[String]) -> WideRelation {
        let evidence = self.evidence(needed);
        let picks: BTreeSet<Pick> = needed.iter().flat_map(|tag| tag.picks()).collect();
        let mut scans = Scans::of(needed, &evidence);
        let own = scans.0.remove(&(ACCOUNTS, None)).unwrap_or_default();
        // Accounts of peers that are only compared are told apart in the base.
        let compared: Vec<&Peers> = if peers.is_empty() { self.peers(&picks).collect() } else { peers.to_vec() };
        let base = self.base_sql(&own, &compared, &picks);
        let mut parts = vec![Part { name: "account".to_owned(), sql: base, sides: Vec::new() }];
        parts.extend(scans.parts());
        let held = needed.iter().filter(|tag| tag.has_hysteresis() && self.before.tags.contains(&tag.name));
        let before: Vec<String> = held.map(|tag| tag.name.clone()).collect();
        if !before.is_empty() {
            let sql = format!("select account_id, {} from {PREVIOUS_TAGS}", before.join(", "));
            let side = Side { name: BEFORE.to_owned(), when: None, columns: before };
            parts.push(Part { name: BEFORE.to_owned(), sql, sides: vec![side] });
        }
        let reasons = evidence.iter().map(|evidence| {
            let Evidence { name, when, reason, .. } = evidence;
            let scan = scan_of_evidence(evidence);
            let reason = match scans.side(scan) {
                _ if self.is_out(evidence) => "'source_absent'".to_owned(),
                None => format!("case when {when} then null else '{reason}' end"),
                Some(side) => format!(
                    "case when not {} then 'no_rows' when {} then null else '{reason}' end",
                    side.flag(),
                    scans.placed(scan, when)
                ),
            };
            (format!("evidence_{name}"), reason)
        });
        let levels = self.levels(needed, reasons.collect(), &scans, names);
        WideRelation { parts, levels }
    }

    /// Accounts: what their own columns say, their groups of peers, and the
    /// percentiles of these.
    fn base_sql(&self, columns: &BTreeSet<String>, peers: &[&Peers], picks: &BTreeSet<Pick>) -> String {
        let mut account = "select\n  account_id".to_owned();
        for Peers { name, levels, .. } in peers {
            let levels: Vec<String> = levels
                .iter()
                .map(|column| format!("replace(coalesce(cast({} as varchar), '{UNKNOWN}'), '/', '_')", quoted(column)))
                .collect();
            let _ = write!(account, ",\n  concat({}) as peers_{name}", levels.join(", '/', "));
        }
        for column in columns {
            let _ = write!(account, ",\n  {}", quoted(column));
        }
        let _ = write!(account, "\nfrom {ACCOUNTS}");
        let compared: Vec<&Peers> = self.peers(picks).collect();
        if compared.is_empty() {
            return account;
        }
        let mut sql = format!("with\naccount as (\n{account}\n)");
        for peers in &compared {
            let cuts = picks.iter().filter(|pick| pick.peers == peers.name).map(|pick| match &self.before.cuts {
                Some(known) if !known.contains(&pick.cut()) => {
                    format!("cast(null as decimal(38, 6)) as {}", pick.column())
                }
                _ => format!("{} as {}", pick.cut(), pick.column()),
            });
            let _ = write!(
                sql,
                ",\ncuts_{0} as (\n  select peer_group, {1}\n  from {CUTS}\n  where peers = '{0}'\n)",
                peers.name,
                cuts.collect::<Vec<_>>().join(", ")
            );
        }
        sql.push_str("\nselect\n  account.*");
        for pick in picks {
            let _ = write!(sql, ",\n  cuts_{}.{}", pick.peers, pick.column());
        }
        sql.push_str("\nfrom account");
        for Peers { name, .. } in &compared {
            let _ = write!(sql, "\nleft join cuts_{name} on cuts_{name}.peer_group = account.peers_{name}");
        }
        sql
    }

    /// Reasons, then tags of feature tables, then tags over tags, those that read
    /// each other one after the other. Each level carries on what a later one
    /// needs.
    fn levels(
        &self,
        needed: &[&Tag],
        first: Vec<(String, String)>,
        scans: &Scans<'_>,
        names: &[String],
    ) -> Vec<Vec<(String, String)>> {
        let mut steps = vec![first];
        let mut done: BTreeSet<&str> = BTreeSet::new();
        let mut rest: Vec<&Tag> = needed.to_vec();
        while !rest.is_empty() {
            let is_first = steps.len() == 1;
            let is_ready =
                |tag: &&Tag| (!is_first || !tag.is_over_tags()) && tag.values_read().all(|name| done.contains(name));
            let (ready, waiting): (Vec<&Tag>, Vec<&Tag>) = rest.into_iter().partition(is_ready);
            if ready.is_empty() && !is_first {
                break;
            }
            steps.push(ready.iter().map(|tag| (tag.name.clone(), self.value_sql(tag, scans))).collect());
            done.extend(ready.iter().map(|tag| tag.name.as_str()));
            rest = waiting;
        }
        // From the last level to the first: what must be there before it.
        let mut wanted: BTreeSet<String> = names.iter().cloned().chain(["account_id".to_owned()]).collect();
        let mut levels = Vec::with_capacity(steps.len());
        for step in steps.into_iter().rev() {
            let made: BTreeSet<&str> = step.iter().map(|(name, _)| name.as_str()).collect();
            let kept: Vec<String> = wanted.iter().filter(|name| !made.contains(name.as_str())).cloned().collect();
            let read: Vec<String> = step.iter().flat_map(|(_, sql)| columns_of(sql)).collect();
            let carried = kept.iter().map(|name| (name.clone(), name.clone()));
            wanted = kept.iter().cloned().chain(read).collect();
            levels.push(carried.chain(step).collect());
        }
        levels.reverse();
        levels
    }

    /// A tag's value where its evidence is there, and a row to read it from.
    fn value_sql(&self, tag: &Tag, scans: &Scans<'_>) -> String {
        let (enter, exit) = match &tag.body {
            Body::Sql(expression) => {
                let placed =
                    |sql: &String| if tag.is_over_tags() { sql.clone() } else { scans.placed(scan_of(tag), sql) };
                (placed(&expression.enter), expression.exit.as_ref().map(placed))
            }
            Body::Tier { of, .. } => (tier_sql(of, &tag.picks()), None),
        };
        let value = self.held(tag, &enter, exit.as_ref());
        // Evidence of the same rows says already whether there are any.
        let is_told = |evidence: &Evidence| !self.is_out(evidence) && scan_of_evidence(evidence) == scan_of(tag);
        let value = match scans.side(scan_of(tag)) {
            Some(side) if !self.tags.evidence.get(&tag.evidence).is_some_and(is_told) => {
                format!("case when {} then {value} end", side.flag())
            }
            _ => value,
        };
        format!("case when evidence_{} is null then {value} end", tag.evidence)
    }

    /// The value of the release before as long as the expression still gives it
    /// under the values at which it is left; else what it gives now.
    fn held(&self, tag: &Tag, enter: &str, exit: Option<&String>) -> String {
        match exit {
            Some(exit) if self.before.tags.contains(&tag.name) => {
                format!("case when {BEFORE}__{} = ({exit}) then ({exit}) else ({enter}) end", tag.name)
            }
            _ => format!("({enter})"),
        }
    }

    fn is_out(&self, evidence: &Evidence) -> bool {
        !evidence.sources.is_empty() && evidence.sources.iter().all(|source| (self.is_absent)(source))
    }
}

/// Columns as a struct.
fn record(columns: &[String]) -> String {
    columns.iter().map(|name| format!("'{name}', {name}")).collect::<Vec<_>>().join(", ")
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
        of_tags
            .chain(self.evidence.values().map(|evidence| evidence.feature.as_str()))
            .filter(|name| *name != TAGS)
            .collect()
    }
}
