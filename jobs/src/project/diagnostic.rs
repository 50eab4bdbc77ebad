//! Mistakes in project files: each with file, place, and what to do about it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};

/// One mistake at one place of one file.
#[derive(Debug)]
pub struct Mistake {
    pub file: String,
    pub message: String,
    pub hint: Option<String>,
    span: Range<usize>,
    source: Arc<NamedSource<String>>,
}

impl Mistake {
    pub fn new(file: &str, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            message: message.into(),
            hint: None,
            span,
            source: Arc::new(NamedSource::new(file, text.to_owned())),
        }
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(self.source.as_ref())
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::underline(self.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// Every mistake found in one go, so that one run shows all of them.
#[derive(Debug, Default)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    pub fn push(&mut self, mistake: Mistake) {
        self.0.push(mistake);
    }

    /// `Ok` when there are none.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// Renders every mistake with its line and a caret; plain ASCII, so that
    /// logs and terminals show the same.
    pub fn render(&self) -> String {
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).without_cause_chain();
        let mut out = String::new();
        for mistake in &self.0 {
            if handler.render_report(&mut out, mistake).is_err() {
                out.push_str(&format!("{}: {}\n", mistake.file, mistake.message));
            }
        }
        out
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "{}: {}", one.file, one.message),
            many => write!(f, "{} mistakes in the project files", many.len()),
        }
    }
}

impl std::error::Error for Mistakes {}

/// The candidate that `word` was most probably meant to be.
pub fn did_you_mean<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()).div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let words = ["energy_wh", "evening_wh", "load_factor"];
        assert_eq!(did_you_mean("enregy_wh", words.into_iter()), Some("energy_wh"));
        assert_eq!(did_you_mean("voltage", words.into_iter()), None);
    }
}
