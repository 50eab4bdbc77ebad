//! Groups by rank: what their ends, counted over all accounts, come to as a model.

use super::FitError;
use super::bounded::Limits;
use super::rules::{Rule, Words, range_text};

/// A group that some accounts are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub group: String,
    /// The least and the most value of its accounts, as decimal numbers.
    pub least: String,
    pub most: String,
    pub accounts: u64,
    /// Whether its accounts bring anything to the whole.
    pub has_weight: bool,
}

/// What accounts are assigned by.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub rules: Vec<Rule>,
    /// Of every group of the file, those that nobody is in among them.
    pub shares: Vec<f64>,
    /// The group of an account, `unknown` where nothing is known to rank it by; and the
    /// number of the rule that holds.
    pub group_sql: String,
    pub rule_sql: String,
}

/// Groups by rank. `of` is what accounts are ranked by, as SQL; `groups` all that the file
/// has, the highest first; `unknown` where accounts go of which it is not known.
pub fn model(
    of: &str,
    words: &Words,
    groups: &[String],
    unknown: &str,
    cuts: &[Cut],
    limits: Option<&Limits>,
) -> Result<Model, FitError> {
    let feature = || words.label.clone();
    let met: Vec<&Cut> = groups.iter().filter_map(|group| cuts.iter().find(|cut| cut.group == *group)).collect();
    let (Some(first), Some(last)) = (met.first(), met.last()) else {
        return Err(FitError::Unknown { feature: feature() });
    };
    if !met.iter().any(|cut| cut.has_weight) {
        return Err(FitError::Nothing { feature: feature() });
    }
    let all: u64 = met.iter().map(|cut| cut.accounts).sum();
    if first.most == last.least {
        return Err(FitError::OneValue { feature: feature(), accounts: all });
    }
    let share = |accounts: u64| accounts as f64 / all as f64;
    let accounts = |group: &String| met.iter().find(|cut| cut.group == *group).map_or(0, |cut| cut.accounts);
    let shares: Vec<f64> = groups.iter().map(|group| share(accounts(group))).collect();
    if limits.is_some_and(|limits| limits.excess(&shares) > 0.0) {
        return Err(FitError::Sizes { shares });
    }
    let number = |text: &str| format!("cast('{}' as decimal(38, 6))", plain(text));
    let mut rules = Vec::new();
    let (mut group_sql, mut rule_sql) = (String::from("case"), String::from("case"));
    for (at, cut) in met.iter().enumerate() {
        let (above, is_last) = (at.checked_sub(1).map(|above| met[above]), at + 1 == met.len());
        let least = (!is_last).then_some(&cut.least);
        let (text, text_zh) =
            range_text(words, least.map(|least| plain(least)), above.map(|above| plain(&above.least)));
        let ends = [
            least.map(|least| format!("{of} >= {}", number(least))),
            above.map(|above| format!("{of} < {}", number(&above.least))),
        ];
        let sql = ends.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        rules.push(Rule { segment: cut.group.clone(), share: share(cut.accounts), purity: 1.0, text, text_zh, sql });
        let when = if is_last { format!("{of} is not null") } else { format!("{of} >= {}", number(&cut.least)) };
        group_sql.push_str(&format!(" when {when} then '{}'", cut.group));
        rule_sql.push_str(&format!(" when {when} then {}", at + 1));
    }
    group_sql.push_str(&format!(" else '{unknown}' end"));
    rule_sql.push_str(" end");
    Ok(Model { rules, shares, group_sql, rule_sql })
}

/// Without the noughts at its end.
fn plain(decimal: &str) -> &str {
    match decimal.contains('.') {
        true => decimal.trim_end_matches('0').trim_end_matches('.'),
        false => decimal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words { label: "Billed".into(), label_zh: "电费".into(), unit: Some("CNY".into()) }
    }

    fn cut(group: &str, least: &str, most: &str, accounts: u64) -> Cut {
        Cut { group: group.into(), least: least.into(), most: most.into(), accounts, has_weight: true }
    }

    fn groups() -> Vec<String> {
        ["a", "b", "c"].map(str::to_owned).to_vec()
    }

    #[test]
    fn ends_become_conditions() {
        let cuts = [cut("c", "-5.000000", "10.000000", 70), cut("a", "100.500000", "900.000000", 30)];
        let model = model("amount", &words(), &groups(), "unknown", &cuts, None).expect("a model");
        assert_eq!(
            model.group_sql,
            "case when amount >= cast('100.5' as decimal(38, 6)) then 'a' when amount is not null then 'c' else 'unknown' end"
        );
        assert_eq!(
            model.rule_sql,
            "case when amount >= cast('100.5' as decimal(38, 6)) then 1 when amount is not null then 2 end"
        );
        // Nobody is in the one between.
        assert_eq!(model.shares, [0.3, 0.0, 0.7]);
        let told: Vec<(&str, &str, &str)> =
            model.rules.iter().map(|rule| (&*rule.segment, &*rule.text, &*rule.sql)).collect();
        assert_eq!(
            told,
            [
                ("a", "Billed: at least 100.5 CNY", "amount >= cast('100.5' as decimal(38, 6))"),
                ("c", "Billed: below 100.5 CNY", "amount < cast('100.5' as decimal(38, 6))"),
            ]
        );
        assert_eq!(model.rules[0].text_zh, "电费：不低于100.5 CNY");
    }

    #[test]
    fn what_cannot_be_ranked_is_told() {
        let fit = |cuts: &[Cut], limits: Option<&Limits>| model("x", &words(), &groups(), "unknown", cuts, limits);
        let feature = "Billed".to_owned();
        assert_eq!(fit(&[], None), Err(FitError::Unknown { feature: feature.clone() }));
        let same = [cut("a", "7", "7", 10)];
        assert_eq!(fit(&same, None), Err(FitError::OneValue { feature: feature.clone(), accounts: 10 }));
        let nothing = [Cut { has_weight: false, ..cut("c", "-3", "0", 10) }];
        assert_eq!(fit(&nothing, None), Err(FitError::Nothing { feature }));
        let limits = Limits { least_percent: 10.0, most_percent: 100.0, most_ratio: f64::INFINITY };
        let cuts = [cut("a", "9", "9", 5), cut("b", "5", "8", 15), cut("c", "0", "4", 80)];
        assert_eq!(fit(&cuts, Some(&limits)), Err(FitError::Sizes { shares: vec![0.05, 0.15, 0.8] }));
        assert!(fit(&cuts, Some(&Limits { least_percent: 5.0, ..limits })).is_ok());
    }
}
