//! Answers that an input puts together: right ones, and such as are wrong in the ways in which two readers part.

use arbitrary::Arbitrary;

use super::is_read;

#[derive(Debug, Arbitrary)]
pub struct Conversation {
    to_head: bool,
    interim: Vec<Head>,
    head: Head,
    body: Body,
    /// Nobody asked for it.
    behind: Vec<u8>,
    bent: Option<(u16, u8)>,
    cuts: [u8; 4],
}

#[derive(Debug, Arbitrary)]
struct Head {
    empty_lines: u8,
    is_old: bool,
    status: Status,
    reason: Option<Vec<u8>>,
    fields: Vec<Field>,
    has_bare_ends: bool,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Status {
    Ok,
    Continue,
    Hints,
    Other,
    Empty,
    Same,
    Any(u16),
}

#[derive(Debug, Arbitrary)]
enum Field {
    Length(Length),
    Coding(Coding),
    Connection(u8),
    Any(String, Vec<u8>),
    Long(u16),
    Many(u8),
    Folded,
}

#[derive(Debug, Arbitrary)]
enum Length {
    True,
    TwiceInOne,
    Padded(u8),
    Number(u64),
    Text(String),
}

#[derive(Debug, Arbitrary)]
enum Coding {
    Chunked,
    Upper,
    Twice,
    Last,
    Text(String),
}

#[derive(Debug, Arbitrary)]
enum Body {
    Plain(Vec<u8>),
    /// So many times 8 KiB, and so many bytes.
    Long(u8, u8),
    Chunks {
        chunks: Vec<Chunk>,
        last: Option<Spelled>,
        trailers: Vec<Field>,
    },
}

#[derive(Debug, Arbitrary)]
struct Chunk {
    data: Vec<u8>,
    spelled: Spelled,
    end: End,
}

#[derive(Debug, Arbitrary)]
struct Spelled {
    what: Number,
    extension: Option<Vec<u8>>,
    end: End,
}

#[derive(Debug, Arbitrary)]
enum Number {
    True,
    Upper,
    Zeros(u8),
    Spaces(u8),
    Other(u64),
    Text(String),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum End {
    Usual,
    Again,
    Bare,
    Return,
    None,
}

impl Conversation {
    pub fn happens(self) {
        let (body, length) = self.body.written();
        let mut says = Vec::new();
        for head in self.interim.iter().take(8).chain([&self.head]) {
            head.write(length, &mut says);
        }
        says.extend(body);
        says.extend(&self.behind);
        if let Some((at, bit)) = self.bent {
            let at = usize::from(at) % says.len();
            says[at] ^= 1 << (bit % 8);
        }
        is_read(if self.to_head { "HEAD" } else { "GET" }, &says, &self.cuts);
    }
}

impl Head {
    fn write(&self, length: usize, to: &mut Vec<u8>) {
        let end: &[u8] = if self.has_bare_ends { b"\n" } else { b"\r\n" };
        (0..self.empty_lines % 4).for_each(|_| to.extend(end));
        let status = match self.status {
            Status::Ok => 200,
            Status::Continue => 100,
            Status::Hints => 103,
            Status::Other => 101,
            Status::Empty => 204,
            Status::Same => 304,
            Status::Any(status) => status % 1000,
        };
        to.extend(format!("HTTP/1.{} {status:03}", u8::from(!self.is_old)).bytes());
        if let Some(reason) = &self.reason {
            to.push(b' ');
            to.extend(reason);
        }
        to.extend(end);
        self.fields.iter().for_each(|field| field.write(length, end, to));
        to.extend(end);
    }
}

impl Field {
    fn write(&self, length: usize, end: &[u8], to: &mut Vec<u8>) {
        let (name, value) = match self {
            Self::Length(said) => ("Content-Length", said.written(length).into_bytes()),
            Self::Coding(said) => ("transfer-encoding", said.written().as_bytes().to_vec()),
            Self::Connection(which) => {
                let known = ["close", "keep-alive", "Upgrade, Close", "closed", ",close,", ""];
                ("Connection", known[usize::from(*which) % known.len()].as_bytes().to_vec())
            }
            Self::Any(name, value) => (name.as_str(), value.clone()),
            Self::Long(times) => ("A", vec![b'a'; usize::from(*times) % 18_000]),
            Self::Many(times) => {
                (0..times % 140).for_each(|_| to.extend([&b"A:"[..], end].concat()));
                return;
            }
            Self::Folded => ("A", [&b"b"[..], end, b" c"].concat()),
        };
        to.extend([name.as_bytes(), b": ", &value, end].concat());
    }
}

impl Length {
    fn written(&self, length: usize) -> String {
        match self {
            Self::True => length.to_string(),
            Self::TwiceInOne => format!("{length} ,\t{length}"),
            Self::Padded(zeros) => format!("{:0>1$}{length}", "", usize::from(*zeros)),
            Self::Number(other) => other.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl Coding {
    fn written(&self) -> &str {
        match self {
            Self::Chunked => "chunked",
            Self::Upper => "CHUNKED",
            Self::Twice => "chunked, chunked",
            Self::Last => "gzip, chunked",
            Self::Text(text) => text,
        }
    }
}

impl Body {
    /// As it is sent, and the length that is true of it.
    fn written(&self) -> (Vec<u8>, usize) {
        let body = match self {
            Self::Plain(body) => body.clone(),
            // Up to more than is taken.
            Self::Long(times, more) => vec![b'A'; usize::from(*times) % 132 * 8192 + usize::from(*more)],
            Self::Chunks { chunks, last, trailers } => {
                let mut body = Vec::new();
                for chunk in chunks {
                    chunk.spelled.write(chunk.data.len(), &mut body);
                    body.extend(&chunk.data);
                    chunk.end.write(&mut body);
                }
                if let Some(last) = last {
                    last.write(0, &mut body);
                    trailers.iter().for_each(|field| field.write(0, b"\r\n", &mut body));
                    body.extend(b"\r\n");
                }
                body
            }
        };
        let length = body.len();
        (body, length)
    }
}

impl Spelled {
    fn write(&self, length: usize, to: &mut Vec<u8>) {
        let number = match &self.what {
            Number::True => format!("{length:x}"),
            Number::Upper => format!("{length:X}"),
            Number::Zeros(zeros) => format!("{:0>1$}{length:x}", "", usize::from(zeros % 20)),
            Number::Spaces(spaces) => format!("{length:x}{:1$}", "", usize::from(spaces % 4)),
            Number::Other(other) => format!("{other:x}"),
            Number::Text(text) => text.clone(),
        };
        to.extend(number.bytes());
        if let Some(extension) = &self.extension {
            to.push(b';');
            to.extend(extension);
        }
        self.end.write(to);
    }
}

impl End {
    fn write(self, to: &mut Vec<u8>) {
        to.extend::<&[u8]>(match self {
            // The most common one twice, so that more inputs are right.
            Self::Usual | Self::Again => b"\r\n",
            Self::Bare => b"\n",
            Self::Return => b"\r",
            Self::None => b"",
        });
    }
}
