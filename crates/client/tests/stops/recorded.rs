use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use aws_lc_rs::digest::{Context, SHA256};

use crate::{
    mortal::Mortal,
    rig::{Tear, Tearing},
    task::Task,
    world::World,
};

/// What a life passes, written down while it goes on.
pub struct Recording {
    folder: PathBuf,
    life_of_ca: Mortal,
    points: Arc<Mutex<Vec<Point>>>,
}

/// Where a life could be stopped.
#[derive(Clone, Debug)]
pub struct Point {
    pub name: String,
    pub left: Left,
}

/// What there would be if everything was stopped now: files, and a CA that is so far in its life. Nothing else outlives a
/// process; where this is the same, all that comes afterwards is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    files: [u8; 32],
    ca: usize,
}

/// A command to the card, and what is left where it is torn.
#[derive(Clone, Debug)]
pub struct Command {
    pub name: String,
    pub before: Left,
    pub after: Left,
}

impl Recording {
    /// Of a life in this world, which has this CA; that life comes with it.
    pub fn of<T: Task>(world: &World<T>, life_of_ca: &Mortal) -> (Self, Mortal) {
        let (folder, life_of_ca) = (world.path().to_owned(), life_of_ca.clone());
        let recording = Self { folder, life_of_ca, points: Arc::default() };
        let (points, watched) = (recording.points.clone(), recording.beside());
        let life = Mortal::watched(move |name| {
            points.lock().unwrap().push(Point { name: name.to_owned(), left: watched.left() });
        });
        (recording, life)
    }

    fn beside(&self) -> Self {
        Self { folder: self.folder.clone(), life_of_ca: self.life_of_ca.clone(), points: Arc::default() }
    }

    pub fn points(&self) -> Vec<Point> {
        self.points.lock().unwrap().clone()
    }

    /// The commands among them, in order.
    pub fn commands<R: Tearing>(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        for Point { name, left } in self.points() {
            let (when, name) = name.split_once(' ').unwrap();
            match (when, commands.last_mut()) {
                ("before", _) if R::is_command(name) => {
                    commands.push(Command { name: name.to_owned(), before: left, after: left });
                }
                ("after", Some(command)) if command.name == name => command.after = left,
                _ => {}
            }
        }
        commands
    }

    /// What there is now.
    pub fn left(&self) -> Left {
        Left { files: hash_of(&self.folder), ca: self.life_of_ca.points().len() }
    }
}

impl Command {
    /// What is left where it is torn so; inside, that is known only once it was.
    pub fn left_by(&self, tear: Tear) -> Option<Left> {
        match tear {
            Tear::Before => Some(self.before),
            Tear::Inside => None,
            Tear::After => Some(self.after),
        }
    }
}

/// Of all files in this folder.
pub fn hash_of(folder: &Path) -> [u8; 32] {
    let mut files = Context::new(&SHA256);
    hash(folder, &mut files);
    files.finish().as_ref().try_into().unwrap()
}

/// Every file by its name and content. What SQLite shares between processes is made anew by the first one that comes.
fn hash(folder: &Path, hash: &mut Context) {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let sorted: BTreeMap<_, _> = entries.map(|path| (path.file_name().unwrap().to_owned(), path)).collect();
    for (name, path) in sorted {
        if path.is_dir() {
            take(hash, name.as_encoded_bytes());
            self::hash(&path, hash);
        } else if !name.to_string_lossy().ends_with("-shm") {
            take(hash, name.as_encoded_bytes());
            take(hash, &fs::read(&path).unwrap());
        }
    }
}

/// With its length, so that nothing runs into the next.
fn take(hash: &mut Context, bytes: &[u8]) {
    hash.update(&bytes.len().to_be_bytes());
    hash.update(bytes);
}
