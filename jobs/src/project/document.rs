//! Reading TOML so that every mistake of a file is found at once, each with
//! its place: a section hands out its keys and, when it is finished with,
//! reports the ones that nobody asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Mistake, Mistakes, did_you_mean};

/// A value as it is written: what SQL or a test case takes for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    Text(String),
    Number(String),
    Flag(bool),
    List(Vec<Literal>),
}

impl Literal {
    /// Without quotes, for people.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Number(text) => text.clone(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(items) => items.iter().map(Self::shown).collect::<Vec<_>>().join(", "),
        }
    }
}

/// A TOML file of the project and the mistakes found in it so far.
pub struct Document<'a> {
    pub file: &'a str,
    pub text: &'a str,
    mistakes: RefCell<Mistakes>,
}

impl<'a> Document<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, mistakes: RefCell::default() }
    }

    /// Parses the file and hands its root section to `read`; what `read` gives
    /// back counts only when no mistake was found.
    pub fn read<T>(file: &str, text: &str, read: impl FnOnce(&Section<'_>) -> Option<T>) -> Result<T, Mistakes> {
        match Self::read_partly(file, text, read) {
            (Some(value), mistakes) if mistakes.0.is_empty() => Ok(value),
            (_, mistakes) => Err(mistakes),
        }
    }

    /// The same, with what could be read beside the mistakes.
    pub fn read_partly<T>(
        file: &str,
        text: &str,
        read: impl FnOnce(&Section<'_>) -> Option<T>,
    ) -> (Option<T>, Mistakes) {
        let document = Document::new(file, text);
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            document.mistake(span, error.message().trim(), None);
        }
        let span = root.span();
        let table = root.into_inner();
        let section = Section { document: &document, table: &table, span, asked: RefCell::default() };
        let value = read(&section);
        section.finish();
        (value, document.mistakes.into_inner())
    }

    fn mistake(&self, span: Range<usize>, message: impl Into<String>, hint: Option<String>) {
        let mut mistake = Mistake::new(self.file, self.text, span, message);
        mistake.hint = hint;
        self.mistakes.borrow_mut().push(mistake);
    }
}

/// Keys and values of a table whose keys are free.
pub type Fields = Vec<(Spanned<String>, Spanned<Literal>)>;

/// One table of a TOML file.
pub struct Section<'a> {
    document: &'a Document<'a>,
    table: &'a DeTable<'a>,
    span: Range<usize>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Section<'a> {
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub fn mistake(&self, span: Range<usize>, message: impl Into<String>) {
        self.document.mistake(span, message, None);
    }

    pub fn mistake_with_hint(&self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.document.mistake(span, message, Some(hint.into()));
    }

    fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().insert(key);
        self.table.get(key)
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let found = value.get_ref().type_str();
        self.mistake(value.span(), format!("`{key}` takes {wanted}, not a {found}"));
    }

    fn missing(&self, key: &str) {
        self.mistake(self.span(), format!("`{key}` is missing"));
    }

    pub fn text(&self, key: &'static str) -> Option<Spanned<String>> {
        let value = self.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Spanned::new(value.span(), text.to_owned())),
            None => {
                self.wrong_type(key, value, "a text");
                None
            }
        }
    }

    pub fn required_text(&self, key: &'static str) -> Option<Spanned<String>> {
        if self.get(key).is_none() {
            self.missing(key);
        }
        self.text(key)
    }

    /// A text that must be one of `allowed`.
    pub fn choice<T: Copy>(&self, key: &'static str, allowed: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = allowed.iter().find(|(name, _)| name == text.get_ref());
        if found.is_none() {
            let names: Vec<_> = allowed.iter().map(|(name, _)| *name).collect();
            self.mistake_with_hint(
                text.span(),
                format!("`{key}` cannot be `{}`", text.get_ref()),
                format!("one of: {}", names.join(", ")),
            );
        }
        found.map(|(_, value)| *value)
    }

    pub fn integer(&self, key: &'static str) -> Option<i64> {
        let value = self.get(key)?;
        let parsed =
            value.get_ref().as_integer().and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        if parsed.is_none() {
            self.wrong_type(key, value, "a whole number");
        }
        parsed
    }

    /// Whether the key stands here, whatever its value.
    pub fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    pub fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        flag
    }

    pub fn texts(&self, key: &'static str) -> Option<Vec<Spanned<String>>> {
        let value = self.get(key)?;
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of texts");
            return None;
        };
        let mut texts = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                Some(text) => texts.push(Spanned::new(item.span(), text.to_owned())),
                None => self.wrong_type(key, item, "texts"),
            }
        }
        Some(texts)
    }

    /// A text alone, or a list of texts.
    pub fn text_or_texts(&self, key: &'static str) -> Option<Vec<Spanned<String>>> {
        match self.get(key)?.get_ref() {
            DeValue::Array(_) => self.texts(key),
            _ => self.text(key).map(|text| vec![text]),
        }
    }

    pub fn required_texts(&self, key: &'static str) -> Option<Vec<Spanned<String>>> {
        if self.get(key).is_none() {
            self.missing(key);
        }
        self.texts(key)
    }

    /// A text, a number, a flag or a list of them.
    pub fn literal(&self, key: &'static str) -> Option<Spanned<Literal>> {
        let value = self.get(key)?;
        let literal = literal(value.get_ref());
        if literal.is_none() {
            self.wrong_type(key, value, "a text, a number, a flag or a list of them");
        }
        literal.map(|literal| Spanned::new(value.span(), literal))
    }

    /// A table whose keys are free, with its values.
    pub fn literals(&self, key: &'static str) -> Fields {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value, "a table");
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, item) in table.iter() {
            match literal(item.get_ref()) {
                Some(literal) => pairs
                    .push((Spanned::new(name.span(), name.get_ref().to_string()), Spanned::new(item.span(), literal))),
                None => self.wrong_type(name.get_ref(), item, "a text, a number, a flag or a list of them"),
            }
        }
        pairs
    }

    /// A table of tables whose keys are free, all of them.
    pub fn members(&self) -> Vec<(Spanned<String>, Fields)> {
        let mut members = Vec::new();
        for (name, item) in self.table.iter() {
            let Some(table) = item.get_ref().as_table() else {
                self.wrong_type(name.get_ref(), item, "a table");
                continue;
            };
            let mut fields = Vec::new();
            for (field, value) in table.iter() {
                match literal(value.get_ref()) {
                    Some(literal) => fields.push((
                        Spanned::new(field.span(), field.get_ref().to_string()),
                        Spanned::new(value.span(), literal),
                    )),
                    None => self.wrong_type(field.get_ref(), value, "a text, a number or a flag"),
                }
            }
            members.push((Spanned::new(name.span(), name.get_ref().to_string()), fields));
        }
        members
    }

    /// A table whose keys are free, with a text or a list of texts each.
    pub fn lists(&self, key: &'static str) -> Vec<(Spanned<String>, Vec<Spanned<String>>)> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value, "a table");
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, item) in table.iter() {
            let texts: Option<Vec<_>> = match item.get_ref() {
                DeValue::String(text) => Some(vec![Spanned::new(item.span(), text.to_string())]),
                DeValue::Array(items) => items
                    .iter()
                    .map(|item| Some(Spanned::new(item.span(), item.get_ref().as_str()?.to_owned())))
                    .collect(),
                _ => None,
            };
            match texts {
                Some(texts) => pairs.push((Spanned::new(name.span(), name.get_ref().to_string()), texts)),
                None => self.wrong_type(name.get_ref(), item, "a text or a list of texts"),
            }
        }
        pairs
    }

    /// `[key]`: one table.
    pub fn table(&self, key: &'static str) -> Option<Section<'a>> {
        let value = self.get(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(key, value, "a table");
        }
        table.map(|table| self.child(table, value.span()))
    }

    /// `[[key]]`: the sections of a list of tables, in order.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of tables");
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_table() {
                Some(table) => sections.push(self.child(table, item.span())),
                None => self.wrong_type(key, item, "tables"),
            }
        }
        sections
    }

    /// `[key.name]`: the named sections of a table of tables.
    pub fn named_sections(&self, key: &'static str) -> Vec<(Spanned<String>, Section<'a>)> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value, "a table of tables");
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (name, item) in table.iter() {
            match item.get_ref().as_table() {
                Some(inner) => {
                    let name = Spanned::new(name.span(), name.get_ref().to_string());
                    sections.push((name, self.child(inner, item.span())));
                }
                None => self.wrong_type(name.get_ref(), item, "a table"),
            }
        }
        sections
    }

    fn child(&self, table: &'a DeTable<'a>, span: Range<usize>) -> Section<'a> {
        Section { document: self.document, table, span, asked: RefCell::default() }
    }

    /// Reports keys that nothing asked for: a misspelt key must not pass as
    /// one that was left out.
    pub fn finish(&self) {
        let asked = self.asked.borrow();
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if asked.contains(name) {
                continue;
            }
            let hint = match did_you_mean(name, asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", asked.iter().copied().collect::<Vec<_>>().join(", ")),
            };
            self.mistake_with_hint(key.span(), format!("`{name}` is not known here"), hint);
        }
    }
}

fn literal(value: &DeValue<'_>) -> Option<Literal> {
    Some(match value {
        DeValue::String(text) => Literal::Text(text.to_string()),
        DeValue::Integer(number) => Literal::Number(number.as_str().replace('_', "")),
        DeValue::Float(number) => Literal::Number(number.as_str().replace('_', "")),
        DeValue::Boolean(flag) => Literal::Flag(*flag),
        DeValue::Array(items) => {
            Literal::List(items.iter().map(|item| literal(item.get_ref())).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
