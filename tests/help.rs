use crate::support::{kwhy, succeed};

#[test]
fn every_command_says_what_it_does() {
    for command in [
        vec![],
        vec!["demo"],
        vec!["run"],
        vec!["sql"],
        vec!["functions"],
        vec!["generate"],
        vec!["segments"],
        vec!["segments", "show"],
        vec!["segments", "explain"],
        vec!["cluster", "scheduler"],
        vec!["cluster", "executor"],
    ] {
        let help = succeed(kwhy().args(&command).arg("--help"));
        assert!(help.lines().count() > 5, "{command:?}: {help}");
    }
}

#[test]
fn exit_codes_are_documented() {
    let help = succeed(kwhy().arg("--help"));
    for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "130", "143 "] {
        assert!(help.contains(&format!("  {code}")), "{code} is not in {help}");
    }
}
