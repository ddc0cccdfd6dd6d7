//! JSON with positions: what `serde_json` forgets is where each value stood, and every error of a scheme or a template
//! names its line and column.
//!
//! Strict RFC 8259, with three slips that are named and read over so that the rest of the file is still checked:
//! comments, a comma before a closing bracket, and a key that stands twice (the first counts).

use std::fmt::Write as _;

/// Nesting beyond this is refused: a scheme needs eight, a template five.
const DEEPEST: usize = 32;
/// Slips beyond this are not listed any more.
const MOST_SLIPS: usize = 100;

/// A position in a text: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Where its first character stands.
    pub(crate) at: Position,
    /// What it is.
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written.
    Number(String),
    /// A string, unescaped.
    Text(String),
    /// `[…]`.
    List(Vec<Node>),
    /// `{…}`, in the order of the file, each key once.
    Object(Vec<Member>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Where the key's first quote stands.
    pub(crate) at: Position,
    /// The key.
    pub(crate) key: String,
    /// The value.
    pub(crate) node: Node,
}

/// A slip against the syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slip {
    /// Where.
    pub(crate) at: Position,
    /// The place in the document that was being read.
    pub(crate) place: String,
    /// What stood there and what is allowed.
    pub(crate) message: String,
}

impl Value {
    /// What it is, with its text, for messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) => format!("the number {}", clipped(text)),
            Self::Text(text) => format!("the text {}", quoted(text)),
            Self::List(_) => "a list".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }
}

/// A text in back-quotes for a message: control characters escaped, long ones cut.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", clipped(text))
}

fn clipped(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown.replace("\\\"", "\"").replace("\\'", "'")
}

/// Appends a key to a place: `tariff` and `weeks` make `tariff.weeks`.
pub(crate) fn push_key(place: &mut String, key: &str) {
    if !place.is_empty() {
        place.push('.');
    }
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(plain) {
        place.push_str(&clipped(key));
    } else {
        place.push_str(&quoted(key));
    }
}

/// Appends an index to a place.
pub(crate) fn push_index(place: &mut String, index: usize) {
    let _ = write!(place, "[{index}]");
}

/// Reads a text.
///
/// The value is missing where the syntax is broken beyond the slips that can be read over; the last slip says
/// where.
pub(crate) fn parse(text: &str) -> (Option<Node>, Vec<Slip>) {
    let mut parser = Parser::new(text);
    let node = parser.document().ok();
    (node, parser.slips)
}

/// The slip is noted already; reading cannot go on.
struct Broken;

struct Parser<'a> {
    rest: std::str::Chars<'a>,
    at: Position,
    place: String,
    depth: usize,
    slips: Vec<Slip>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        // Notepad puts a byte-order mark in front of UTF-8; it means nothing.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            rest: text.chars(),
            at: Position { line: 1, column: 1 },
            place: String::new(),
            depth: 0,
            slips: Vec::new(),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.rest.next()?;
        if character == '\n' {
            self.at.line = self.at.line.saturating_add(1);
            self.at.column = 1;
        } else {
            self.at.column = self.at.column.saturating_add(1);
        }
        Some(character)
    }

    fn note(&mut self, at: Position, message: impl Into<String>) {
        if self.slips.len() < MOST_SLIPS {
            self.slips.push(Slip { at, place: self.place.clone(), message: message.into() });
        }
    }

    /// Notes what stands at the current position in place of what is allowed there.
    fn unexpected<T>(&mut self, allowed: &str) -> Result<T, Broken> {
        let found = match self.peek() {
            None => "the file ends here".to_owned(),
            Some(character) => format!("{} stands here", quoted(&character.to_string())),
        };
        let at = self.at;
        // A file of a hundred slips must still say why reading stopped.
        self.slips.truncate(MOST_SLIPS - 1);
        self.note(at, format!("{found}: allowed is {allowed}"));
        Err(Broken)
    }

    fn blanks(&mut self) -> Result<(), Broken> {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\n' | '\r') => {
                    self.next();
                }
                Some('/') => self.comment()?,
                Some('#') => {
                    let at = self.at;
                    self.note(at, "a comment stands here: JSON has none; put the words into `note`");
                    self.line_end();
                }
                _ => return Ok(()),
            }
        }
    }

    fn line_end(&mut self) {
        while self.peek().is_some_and(|c| c != '\n') {
            self.next();
        }
    }

    fn comment(&mut self) -> Result<(), Broken> {
        let at = self.at;
        let mut ahead = self.rest.clone();
        ahead.next();
        let kind = ahead.next();
        if !matches!(kind, Some('/' | '*')) {
            return self.unexpected("a JSON value");
        }
        self.note(at, "a comment stands here: JSON has none; put the words into `note`");
        self.next();
        self.next();
        if kind == Some('/') {
            self.line_end();
            return Ok(());
        }
        let mut before = ' ';
        while let Some(character) = self.next() {
            if before == '*' && character == '/' {
                return Ok(());
            }
            before = character;
        }
        self.unexpected("`*/`, which ends a comment")
    }

    fn document(&mut self) -> Result<Node, Broken> {
        self.blanks()?;
        let node = self.node()?;
        self.blanks()?;
        if self.peek().is_some() {
            return self.unexpected("nothing after the last closing brace");
        }
        Ok(node)
    }

    fn node(&mut self) -> Result<Node, Broken> {
        let at = self.at;
        let value = match self.peek() {
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::list)?,
            Some('"') => Value::Text(self.text()?),
            Some('-' | '0'..='9') => Value::Number(self.number()?),
            Some('t' | 'f' | 'n') => self.word()?,
            _ => return self.unexpected("a value: a text in double quotes, a number, true, false, [ or {"),
        };
        Ok(Node { at, value })
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Result<Value, Broken>) -> Result<Value, Broken> {
        if self.depth == DEEPEST {
            let at = self.at;
            self.note(
                at,
                format!("brackets stand more than {DEEPEST} deep: such a file needs fewer than ten"),
            );
            return Err(Broken);
        }
        self.depth += 1;
        self.next();
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> Result<Value, Broken> {
        for (word, value) in
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
        {
            if let Some(after) = self.rest.as_str().strip_prefix(word)
                && !after.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            {
                word.chars().for_each(|_| {
                    self.next();
                });
                return Ok(value);
            }
        }
        self.unexpected("a value: a text in double quotes, a number, true, false, [ or {")
    }

    fn digits(&mut self, into: &mut String) -> Result<(), Broken> {
        if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return self.unexpected("a digit");
        }
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            into.push(digit);
            self.next();
        }
        Ok(())
    }

    fn number(&mut self) -> Result<String, Broken> {
        let mut text = String::new();
        if self.peek() == Some('-') {
            text.push('-');
            self.next();
        }
        if self.peek() == Some('0') {
            text.push('0');
            self.next();
            if self.peek().is_some_and(|c| c.is_ascii_digit()) {
                return self.unexpected("a number without a leading 0");
            }
        } else {
            self.digits(&mut text)?;
        }
        if self.peek() == Some('.') {
            text.push('.');
            self.next();
            self.digits(&mut text)?;
        }
        if let Some(e @ ('e' | 'E')) = self.peek() {
            text.push(e);
            self.next();
            if let Some(sign @ ('+' | '-')) = self.peek() {
                text.push(sign);
                self.next();
            }
            self.digits(&mut text)?;
        }
        Ok(text)
    }

    fn text(&mut self) -> Result<String, Broken> {
        self.next();
        let mut text = String::new();
        loop {
            match self.peek() {
                Some('"') => {
                    self.next();
                    return Ok(text);
                }
                Some('\\') => {
                    self.next();
                    text.push(self.escape()?);
                }
                Some(character) if character >= ' ' => {
                    text.push(character);
                    self.next();
                }
                _ => return self.unexpected("a double quote, which ends a text on its own line"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        let plain = match self.peek() {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                self.next();
                return self.unicode();
            }
            _ => return self.unexpected("one of \" \\ / b f n r t u after a backslash"),
        };
        self.next();
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, Broken> {
        let first = self.four_digits()?;
        if let Some(character) = char::from_u32(first) {
            return Ok(character);
        }
        let second = if self.rest.as_str().starts_with("\\u") {
            self.next();
            self.next();
            self.four_digits()?
        } else {
            0
        };
        let units = [first, second].map(|unit| u16::try_from(unit).unwrap_or_default());
        match char::decode_utf16(units).next() {
            Some(Ok(character)) => Ok(character),
            _ => self.unexpected("a whole surrogate pair such as \\ud83d\\udd0c before this"),
        }
    }

    fn four_digits(&mut self) -> Result<u32, Broken> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(16)) else {
                return self.unexpected("four hexadecimal digits after \\u");
            };
            unit = unit * 16 + digit;
            self.next();
        }
        Ok(unit)
    }

    fn list(&mut self) -> Result<Value, Broken> {
        let mut items = Vec::new();
        let length = self.place.len();
        loop {
            self.blanks()?;
            if self.peek() == Some(']') {
                self.next();
                return Ok(Value::List(items));
            }
            push_index(&mut self.place, items.len());
            items.push(self.node()?);
            self.place.truncate(length);
            self.separator(']')?;
        }
    }

    fn object(&mut self) -> Result<Value, Broken> {
        let mut members: Vec<Member> = Vec::new();
        let mut known = std::collections::HashSet::new();
        let length = self.place.len();
        loop {
            self.blanks()?;
            if self.peek() == Some('}') {
                self.next();
                return Ok(Value::Object(members));
            }
            if self.peek() != Some('"') {
                return self.unexpected("a key in double quotes, or }");
            }
            let at = self.at;
            let key = self.text()?;
            push_key(&mut self.place, &key);
            self.blanks()?;
            if self.peek() != Some(':') {
                return self.unexpected("a colon after a key");
            }
            self.next();
            self.blanks()?;
            let node = self.node()?;
            if known.insert(key.clone()) {
                members.push(Member { at, key, node });
            } else {
                self.note(at, format!("the key {} stands twice: write it once", quoted(&key)));
            }
            self.place.truncate(length);
            self.separator('}')?;
        }
    }

    /// Takes the comma between two members, or leaves the closing bracket.
    fn separator(&mut self, closing: char) -> Result<(), Broken> {
        self.blanks()?;
        if self.peek() == Some(closing) {
            return Ok(());
        }
        if self.peek() != Some(',') {
            return self.unexpected(if closing == ']' { "a comma or ]" } else { "a comma or }" });
        }
        let at = self.at;
        self.next();
        self.blanks()?;
        if self.peek() == Some(closing) {
            self.note(at, format!("a comma stands before `{closing}`: leave out the last comma"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slips(text: &str) -> Vec<Slip> {
        parse(text).1
    }

    #[test]
    fn every_kind_of_value_is_read_with_its_position() {
        let (node, slips) = parse("{\n  \"a\": [1, \"x\"],\n  \"é\": {\"b\": null}\n}");
        assert_eq!(slips, []);
        let Some(Node { value: Value::Object(members), .. }) = node else { panic!("an object") };
        assert_eq!(members[0].at, Position { line: 2, column: 3 });
        let Value::List(items) = &members[0].node.value else { panic!("a list") };
        assert_eq!(items[1].at, Position { line: 2, column: 12 });
        assert_eq!(members[1].node.at, Position { line: 3, column: 8 });
    }

    #[test]
    fn escapes_and_surrogate_pairs_are_undone() {
        let (node, _) = parse(r#""\u00e9\n\ud83d\udd0c\/""#);
        assert_eq!(node.unwrap().value, Value::Text("é\n🔌/".to_owned()));
    }

    #[test]
    fn numbers_keep_their_spelling() {
        for text in ["0", "-1", "30", "1.50", "-0.5e+3", "123456789012345678901234567890"] {
            assert_eq!(parse(text).0.unwrap().value, Value::Number(text.to_owned()));
        }
    }

    #[test]
    fn comments_and_trailing_commas_are_named_and_read_over() {
        let (node, slips) = parse("{ // why\n \"a\": [1, /* two */ 2,], # three\n}");
        assert!(node.is_some());
        let lines: Vec<u32> = slips.iter().map(|slip| slip.at.line).collect();
        assert_eq!(lines, [1, 2, 2, 2, 2], "{slips:?}");
        assert!(slips[0].message.contains("comment"));
        assert_eq!(slips[2].place, "a");
    }

    #[test]
    fn a_key_that_stands_twice_is_named_and_the_first_counts() {
        let (node, slips) = parse("{\"a\": 1, \"a\": 2}");
        let Some(Node { value: Value::Object(members), .. }) = node else { panic!("an object") };
        assert_eq!(members.len(), 1);
        assert_eq!(members[0].node.value, Value::Number("1".to_owned()));
        assert_eq!(slips[0].place, "a");
        assert_eq!(slips[0].at, Position { line: 1, column: 10 });
    }

    #[test]
    fn broken_syntax_names_the_place_and_what_is_allowed() {
        for (text, line, column, place, allowed) in [
            ("", 1, 1, "", "a value"),
            ("{\"a\" 1}", 1, 6, "a", "a colon"),
            ("{\"a\": 1 \"b\": 2}", 1, 9, "", "a comma or }"),
            ("{\"a\": [1, x]}", 1, 11, "a[1]", "a value"),
            ("{\"a\": \"x\n\"}", 1, 9, "a", "a double quote"),
            ("{\"a\": \"\\x\"}", 1, 9, "a", "backslash"),
            ("{\"a\": \"\\ud800\"}", 1, 14, "a", "surrogate"),
            ("{\"a\": 01}", 1, 8, "a", "leading 0"),
            ("{\"a\": 1} x", 1, 10, "", "nothing"),
            ("{\"a\": nul}", 1, 7, "a", "a value"),
            ("{\"a\": 1.}", 1, 9, "a", "a digit"),
            ("[1", 1, 3, "", "a comma or ]"),
            ("{a: 1}", 1, 2, "", "a key in double quotes"),
            ("/* x", 1, 5, "", "ends a comment"),
        ] {
            let (node, slips) = parse(text);
            assert!(node.is_none(), "{text}");
            let slip = slips.last().unwrap();
            assert_eq!((slip.at.line, slip.at.column, slip.place.as_str()), (line, column, place), "{text}");
            assert!(slip.message.contains(allowed), "{text}: {}", slip.message);
        }
    }

    #[test]
    fn brackets_without_end_are_refused_before_the_stack_ends() {
        let slip = slips(&"[".repeat(1_000_000)).pop().unwrap();
        assert!(slip.message.contains("deep"), "{}", slip.message);
    }

    #[test]
    fn a_byte_order_mark_is_read_over() {
        assert_eq!(parse("\u{feff}true"), parse("true"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_shuffle_of_json_makes_the_parser_panic(text in "[\\[\\]{}\",:\\\\u0-9a-f/* \n.eE-]{0,80}") {
            let (node, slips) = parse(&text);
            prop_assert!(node.is_some() || !slips.is_empty());
        }

        #[test]
        fn what_serde_accepts_is_read_the_same(text in "[\\[\\]{}\",:0-9a-c.eE -]{0,40}") {
            let (node, slips) = parse(&text);
            let ours = node.is_some() && slips.is_empty();
            // serde_json refuses numbers beyond its range and takes a key twice; the shuffle makes few of either.
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() && !slips.iter().any(|s| s.message.contains("twice")) {
                prop_assert!(ours, "{text}");
            }
        }
    }
}
