//! Stands between p11-kit's client, which is the module that the driver has loaded, and the token that p11-kit serves, and
//! says what a module can say. Messages are p11-kit's: a header of three numbers, options, and a body that begins with the
//! number of the function and its signature.

use std::{
    io::{Read, Result, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

/// Numbers of the functions.
pub const GET_TOKEN_INFO: u32 = 6;
pub const GET_MECHANISM_LIST: u32 = 7;
pub const LOGIN: u32 = 18;
pub const GET_ATTRIBUTE_VALUE: u32 = 24;
pub const FIND_OBJECTS: u32 = 27;
pub const SIGN: u32 = 43;
pub const GENERATE_KEY_PAIR: u32 = 59;
/// C_SetPIN, C_Login, C_CreateObject, C_CopyObject, C_DestroyObject, C_SetAttributeValue, C_Sign, C_GenerateKeyPair.
const CHANGES_OR_REVEALS: [u32; 8] = [15, LOGIN, 20, 21, 22, 25, SIGN, GENERATE_KEY_PAIR];

/// Makes of a true answer a false one; says whether it did. Function, what was asked, the answer's body.
pub type Lie = Box<dyn FnMut(u32, &[u8], &mut Vec<u8>) -> bool + Send>;

#[derive(Default)]
pub struct Told {
    pub lie: Option<Lie>,
    /// Calls since the lie was thought of.
    pub calls: u32,
    pub told: bool,
    /// Functions that change the token or carry a secret, called after the lie was told.
    pub after: Vec<u32>,
}

/// The one who stands between. Clones are the same one.
#[derive(Clone, Default)]
pub struct Between(Arc<Mutex<Told>>);

impl Between {
    /// Answers at a path for what is served at another.
    pub fn start(at: &Path, truth: &Path) -> Self {
        let (between, listener, truth) = (Self::default(), UnixListener::bind(at).unwrap(), truth.to_owned());
        let told = between.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (told, server) = (told.clone(), UnixStream::connect(&truth).unwrap());
                std::thread::spawn(move || told.carry(client.unwrap(), server));
            }
        });
        between
    }

    /// Lies from now on, or no longer.
    pub fn say(&self, lie: Option<Lie>) {
        *self.lock() = Told { lie, ..Told::default() };
    }

    pub fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap()
    }

    /// Until one of the two goes.
    fn carry(&self, mut client: UnixStream, mut server: UnixStream) -> Result<()> {
        // The version, each way.
        let mut version = [0];
        client.read_exact(&mut version)?;
        server.write_all(&version)?;
        server.read_exact(&mut version)?;
        client.write_all(&version)?;
        loop {
            let asked = Message::receive(&mut client)?;
            asked.send(&mut server)?;
            let mut answer = Message::receive(&mut server)?;
            self.hear(&asked.body, &mut answer.body);
            answer.send(&mut client)?;
        }
    }

    fn hear(&self, asked: &[u8], answer: &mut Vec<u8>) {
        let function = u32::from_be_bytes(asked[..4].try_into().unwrap());
        let told = &mut *self.lock();
        told.calls += 1;
        if told.told && CHANGES_OR_REVEALS.contains(&function) {
            told.after.push(function);
        }
        if let Some(lie) = &mut told.lie {
            told.told |= lie(function, asked, answer);
        }
    }
}

struct Message {
    code: [u8; 4],
    options: Vec<u8>,
    body: Vec<u8>,
}

impl Message {
    fn receive(from: &mut impl Read) -> Result<Self> {
        let mut head = [[0; 4]; 3];
        head.iter_mut().try_for_each(|number| from.read_exact(number))?;
        let [options, body] = [head[1], head[2]].map(|length| vec![0; u32::from_be_bytes(length) as usize]);
        let mut message = Self { code: head[0], options, body };
        from.read_exact(&mut message.options)?;
        from.read_exact(&mut message.body)?;
        Ok(message)
    }

    fn send(&self, to: &mut impl Write) -> Result<()> {
        let lengths = [&self.options, &self.body].map(|part| u32::try_from(part.len()).unwrap().to_be_bytes());
        to.write_all(&[&self.code[..], &lengths.concat(), &self.options, &self.body].concat())
    }
}

/// The body of an answer: the function, its signature, and what comes by it.
pub fn body(function: u32, signature: &str, values: &[u8]) -> Vec<u8> {
    let length = u32::try_from(signature.len()).unwrap();
    [&function.to_be_bytes()[..], &length.to_be_bytes(), signature.as_bytes(), values].concat()
}

/// The body of an answer that is an error.
pub fn error(value: u64) -> Vec<u8> {
    body(0, "u", &value.to_be_bytes())
}
