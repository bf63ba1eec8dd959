//! How a job's CSV is laid out: the delimiter between values and the ending of a row, by the names the API gives them.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    Backquote,
    Caret,
    Comma,
    Pipe,
    Semicolon,
    Tab,
}

impl Delimiter {
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Backquote, Self::Caret, Self::Comma, Self::Pipe, Self::Semicolon, Self::Tab];
        all.into_iter().find(|delimiter| delimiter.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Backquote => "BACKQUOTE",
            Self::Caret => "CARET",
            Self::Comma => "COMMA",
            Self::Pipe => "PIPE",
            Self::Semicolon => "SEMICOLON",
            Self::Tab => "TAB",
        }
    }

    pub fn byte(self) -> u8 {
        match self {
            Self::Backquote => b'`',
            Self::Caret => b'^',
            Self::Comma => b',',
            Self::Pipe => b'|',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnding {
    Lf,
    Crlf,
}

impl LineEnding {
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Lf, Self::Crlf].into_iter().find(|ending| ending.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Lf => "LF",
            Self::Crlf => "CRLF",
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::Crlf => "\r\n",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: Delimiter,
    pub ending: LineEnding,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_out_as_they_came_in() {
        for name in ["BACKQUOTE", "CARET", "COMMA", "PIPE", "SEMICOLON", "TAB"] {
            assert_eq!(Delimiter::parse(name).map(Delimiter::name), Some(name));
        }
        assert_eq!(Delimiter::parse("comma"), None);
        assert_eq!(LineEnding::parse("CRLF").map(LineEnding::text), Some("\r\n"));
        assert_eq!(LineEnding::parse("CR"), None);
    }
}
