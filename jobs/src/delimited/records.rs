//! Records of decoded text.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};

use encoding_rs::{Decoder, DecoderResult, Encoding};
use memchr::{memchr, memchr2};

use super::{DelimitedError, Dialect, MAX_RECORD_BYTES, open};

const CHUNK_BYTES: usize = 256 << 10;
const QUOTE: u8 = b'"';

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another number of fields than the header.
    Fields,
    /// A quote that is not closed, or not at the end of its field. The record
    /// is one line: the next line begins the next one.
    Quote,
}

/// A field: where it lies in the text, and whether its quotes are doubled.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    is_doubled: bool,
}

/// One record, in the reader's text.
pub struct Record<'a> {
    text: &'a str,
    spans: &'a [Span],
    raw: (usize, usize),
    fault: Option<Fault>,
    /// Counted from 1 below the header; blank lines are none.
    pub number: u64,
}

impl Record<'_> {
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The record as it came, without its line end.
    pub fn raw(&self) -> &str {
        self.text.get(self.raw.0..self.raw.1).unwrap_or_default()
    }

    /// A field without its quotes; `None` beyond the last.
    pub fn field(&self, index: usize) -> Option<Cow<'_, str>> {
        let span = self.spans.get(index)?;
        let text = self.text.get(span.start..span.end).unwrap_or_default();
        Some(if span.is_doubled { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) })
    }

    pub fn fields(&self) -> impl Iterator<Item = Cow<'_, str>> {
        (0..self.spans.len()).filter_map(|index| self.field(index))
    }
}

/// A stream of records.
pub struct Records<'a> {
    source: Source<'a>,
    delimiter: u8,
    header: Vec<String>,
    /// Decoded text; what lies before `start` is done with.
    text: String,
    start: usize,
    spans: Vec<Span>,
    number: u64,
    /// Line that `start` lies in, from 1.
    line: u64,
}

impl<'a> Records<'a> {
    /// Reads the header, and no row yet.
    pub(super) fn new(bytes: &'a mut dyn Read, path: &Path, dialect: &Dialect) -> Result<Self, DelimitedError> {
        let mut records = Self {
            source: Source::new(bytes, path, &dialect.encoding),
            delimiter: dialect.delimiter,
            header: dialect.header.clone().unwrap_or_default(),
            text: String::new(),
            start: 0,
            spans: Vec::new(),
            number: 0,
            line: 1,
        };
        if dialect.header.is_none() {
            // Until the header is known, any number of fields is right.
            let header = records.next()?.map(|record| {
                let names = record.fields().map(Cow::into_owned).collect::<Vec<_>>();
                (names, record.fault().is_some())
            });
            let (mut names, is_broken) = header.ok_or_else(|| DelimitedError::NoHeader { path: path.to_owned() })?;
            if is_broken {
                return Err(DelimitedError::Header { path: path.to_owned(), line: 1 });
            }
            // The mark of an encoding that is not one of Unicode's own.
            if let Some(rest) = names.first().and_then(|first| first.strip_prefix('\u{feff}')) {
                names[0] = rest.to_owned();
            }
            records.header = names;
            records.number = 0;
        }
        Ok(records)
    }

    /// Names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The next record; `None` at the end of the text.
    #[allow(clippy::should_implement_trait, reason = "a record lends the reader's text")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, DelimitedError> {
        let (end, next, fault) = loop {
            self.skip_blank_lines();
            match self.split() {
                Split::Whole { end, next } => {
                    let fits = self.header.is_empty() || self.spans.len() == self.header.len();
                    // Several lines that make no row: it was no quote that they hold.
                    let lines = memchr(b'\n', &self.text.as_bytes()[self.start..end]);
                    match lines.filter(|_| !fits).and_then(|_| self.line_end()) {
                        Some((end, next)) => break (end, next, Some(Fault::Quote)),
                        None => break (end, next, (!fits).then_some(Fault::Fields)),
                    }
                }
                Split::End => return Ok(None),
                cut_or_broken => {
                    let is_long = self.text.len() - self.start > MAX_RECORD_BYTES;
                    match self.line_end() {
                        // A quote that stays open for so long is not closed.
                        Some((end, next)) if is_long || matches!(cut_or_broken, Split::Broken) => {
                            break (end, next, Some(Fault::Quote));
                        }
                        None if is_long => {
                            return Err(DelimitedError::Long { path: self.source.path.clone(), line: self.line });
                        }
                        _ => self.fill()?,
                    }
                }
            }
        };
        let start = std::mem::replace(&mut self.start, next);
        let lines = memchr::memchr_iter(b'\n', &self.text.as_bytes()[start..next]).count() as u64;
        self.line += lines;
        self.number += 1;
        let (text, spans, number) = (self.text.as_str(), self.spans.as_slice(), self.number);
        Ok(Some(Record { text, spans, raw: (start, end), fault, number }))
    }

    fn skip_blank_lines(&mut self) {
        loop {
            let rest = &self.text.as_bytes()[self.start..];
            let blank = match rest {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => return,
            };
            self.start += blank;
            self.line += 1;
        }
    }

    /// Cuts the text at `start` into fields.
    fn split(&mut self) -> Split {
        self.spans.clear();
        let text = self.text.as_bytes();
        let is_last = self.source.is_exhausted;
        if text.len() == self.start || (is_last && &text[self.start..] == b"\r") {
            return if is_last { Split::End } else { Split::Cut };
        }
        let mut at = self.start;
        loop {
            let (span, end) = if text.get(at) == Some(&QUOTE) {
                match quoted(text, at + 1) {
                    Some(found) => found,
                    None => return if is_last { Split::Broken } else { Split::Cut },
                }
            } else {
                match memchr2(self.delimiter, b'\n', &text[at..]) {
                    Some(length) if text[at + length] == b'\n' => {
                        let end = at + length;
                        let end = end - usize::from(end > at && text[end - 1] == b'\r');
                        (Span { start: at, end, is_doubled: false }, end)
                    }
                    Some(length) => (Span { start: at, end: at + length, is_doubled: false }, at + length),
                    None if is_last => {
                        let end = text.len() - usize::from(text.ends_with(b"\r"));
                        (Span { start: at, end: end.max(at), is_doubled: false }, end.max(at))
                    }
                    None => return Split::Cut,
                }
            };
            self.spans.push(span);
            match &text[end..] {
                [next, ..] if *next == self.delimiter => at = end + 1,
                [b'\n', ..] => return Split::Whole { end, next: end + 1 },
                [b'\r', b'\n', ..] => return Split::Whole { end, next: end + 2 },
                [] | [b'\r'] if is_last => return Split::Whole { end, next: text.len() },
                // The next characters decide, and they are not read yet.
                [] | [b'\r'] => return Split::Cut,
                _ => return Split::Broken,
            }
        }
    }

    /// End of the line at `start`, and begin of the next; `None` where the end
    /// is not read yet.
    fn line_end(&self) -> Option<(usize, usize)> {
        let text = self.text.as_bytes();
        let (end, next) = match memchr(b'\n', &text[self.start..]) {
            Some(length) => (self.start + length, self.start + length + 1),
            None if self.source.is_exhausted => (text.len(), text.len()),
            None => return None,
        };
        let is_return = end > self.start && text[end - 1] == b'\r';
        Some((end - usize::from(is_return), next))
    }

    /// Reads at least as much as is there: a long record is not cut again for each
    /// piece of it.
    fn fill(&mut self) -> Result<(), DelimitedError> {
        self.text.drain(..self.start);
        self.start = 0;
        let wanted = (2 * self.text.len()).min(MAX_RECORD_BYTES);
        loop {
            self.source.read_into(&mut self.text, self.line)?;
            if self.source.is_exhausted || self.text.len() > wanted {
                return Ok(());
            }
        }
    }
}

enum Split {
    /// The record ends at `end`, the next one begins at `next`.
    Whole {
        end: usize,
        next: usize,
    },
    Broken,
    /// The text read so far ends within the record.
    Cut,
    End,
}

/// The field behind an opening quote, and where its closing quote ends.
fn quoted(text: &[u8], start: usize) -> Option<(Span, usize)> {
    let (mut at, mut is_doubled) = (start, false);
    loop {
        let end = at + memchr(QUOTE, &text[at..])?;
        if text.get(end + 1) != Some(&QUOTE) {
            return Some((Span { start, end, is_doubled }, end + 1));
        }
        (at, is_doubled) = (end + 2, true);
    }
}

/// Bytes and how they become text.
struct Source<'a> {
    bytes: &'a mut dyn Read,
    path: PathBuf,
    decoder: Decoder,
    encoding: &'static Encoding,
    raw: Vec<u8>,
    is_exhausted: bool,
}

impl<'a> Source<'a> {
    fn new(bytes: &'a mut dyn Read, path: &Path, label: &str) -> Self {
        // A contract with an unknown label is refused before it comes here.
        let encoding = Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::UTF_8);
        Self {
            bytes,
            path: path.to_owned(),
            decoder: encoding.new_decoder_with_bom_removal(),
            encoding,
            raw: vec![0; CHUNK_BYTES],
            is_exhausted: false,
        }
    }

    /// Appends the next piece of text, which begins in `line`.
    fn read_into(&mut self, text: &mut String, line: u64) -> Result<(), DelimitedError> {
        let read = self.bytes.read(&mut self.raw).map_err(|error| open::read_error(&self.path, error))?;
        self.is_exhausted = read == 0;
        let room = self.decoder.max_utf8_buffer_length_without_replacement(read);
        text.reserve(room.unwrap_or(4 * CHUNK_BYTES));
        let mut chunk = &self.raw[..read];
        loop {
            let (result, taken) = self.decoder.decode_to_string_without_replacement(chunk, text, self.is_exhausted);
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {
                    chunk = &chunk[taken..];
                    text.reserve(4 * CHUNK_BYTES);
                }
                DecoderResult::Malformed(length, after) => {
                    let at = taken.saturating_sub(usize::from(length + after));
                    let byte = chunk.get(at).or(self.raw.first()).copied().unwrap_or_default();
                    let encoding = self.encoding.name().to_ascii_lowercase();
                    let line = line + memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64;
                    return Err(DelimitedError::Encoding { path: self.path.clone(), line, encoding, byte });
                }
            }
        }
    }
}
