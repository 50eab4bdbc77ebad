//! Bars on a terminal, log lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

use crate::plan::Phase;
use crate::run::{PhaseCost, Progress};

#[derive(Default)]
pub struct Reporter {
    bar: Mutex<Option<ProgressBar>>,
}

impl Progress for Reporter {
    fn phase(&self, phase: Phase, units: usize) {
        if units == 0 || !std::io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::new(units as u64);
        if let Ok(style) = ProgressStyle::with_template("{prefix:>10} [{bar:30}] {pos}/{len} {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(phase.label());
        if let Ok(mut current) = self.bar.lock()
            && let Some(old) = current.replace(bar)
        {
            old.finish_and_clear();
        }
    }

    fn unit(&self, label: &str) {
        tracing::debug!(unit = label, "done");
        if let Ok(bar) = self.bar.lock()
            && let Some(bar) = bar.as_ref()
        {
            bar.set_message(label.to_owned());
            bar.inc(1);
        }
    }

    fn finished(&self, cost: &PhaseCost) {
        if let Ok(mut bar) = self.bar.lock()
            && let Some(bar) = bar.take()
        {
            bar.finish_and_clear();
        }
        if !std::io::stderr().is_terminal() {
            tracing::info!(
                phase = cost.phase.label(),
                units = cost.units,
                skipped = cost.skipped,
                seconds = format!("{:.2}", cost.seconds),
                "done"
            );
        }
    }
}
