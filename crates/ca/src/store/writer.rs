use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, channel, sync_channel},
    },
    thread::{JoinHandle, sleep},
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    StoreError, WriteObserver,
    observer::name_of,
    sqlite::{audit, failure_of},
};
use crate::{AuditAnchors, AuditHead};

/// The one thread that writes. What comes while it commits is done together in the next commit, so that one flush to disk
/// serves many callers; each waits until the commit with its own work is durable. Where callers are many it waits a moment for
/// more of them.
pub(super) struct Writer {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    pub observer: Option<Arc<dyn WriteObserver>>,
}

type Job = Box<dyn Work>;

/// The most jobs in one commit: bounds the wait of the first, and what a failing commit takes with it.
const MAX_BATCH: usize = 256;
/// The most jobs that wait. Who does not wait for the disk is not to wait here either.
const MAX_WAITING: usize = 1024;
/// So many do not wait for more: else, where everybody who is there waits for the disk, all processors but one would be idle.
const ENOUGH: usize = 32;
/// Who comes within this time after another one has company.
const LULL: Duration = Duration::from_micros(300);
/// The longest that the first of many waits for others.
const PATIENCE: Duration = Duration::from_millis(20);

impl Writer {
    /// With `anchors`, where the audit log ends after a commit is written there before anybody hears of the commit.
    pub fn start(connection: Connection, anchors: Option<AuditAnchors>) -> std::io::Result<Self> {
        let (jobs, inbox) = sync_channel(MAX_WAITING);
        let mut anchoring =
            anchors.map(|anchors| Anchoring { anchors, begin: AuditHead::NONE, own: None, written: false });
        let serve = move || serve(&connection, &inbox, &mut anchoring);
        let thread = std::thread::Builder::new().name("ca-store".into()).spawn(serve)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), observer: None })
    }

    /// Does `work` inside a transaction and waits until it is on disk. Its error undoes its own changes only; it may be done
    /// again when another's is undone.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.post(work).recv().map_err(|_| StoreError::Stopped)?
    }

    /// Like [`run`](Self::run), for who waits later.
    fn post<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Receiver<Result<T, StoreError>> {
        let (answer, outcome) = channel();
        // The caller waits for this; where it is gone nobody needs it.
        self.run_then(work, move |done| drop(answer.send(done)));
        outcome
    }

    /// Like [`run`](Self::run), for who does not wait: `then` is called once the work is on disk, by the thread that writes. It
    /// is dropped when that thread has stopped.
    pub fn run_then<T: Send + 'static, W>(&self, work: W, then: impl FnOnce(Result<T, StoreError>) + Send + 'static)
    where
        W: Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let Some(observer) = &self.observer else { return self.send(work, then) };
        let (observer, change) = (observer.clone(), name_of::<W>());
        if observer.before(change) {
            self.send(work, move |done| {
                if observer.after(change) {
                    then(done);
                }
            });
        }
    }

    fn send<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) {
        if let Some(jobs) = &self.jobs {
            // What cannot be sent is dropped, and `then` with it.
            let _ = jobs.send(Box::new(Pending { work, done: None, then }));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was seen by its callers as `Stopped`.
            let _ = thread.join();
        }
    }
}

trait Work: Send {
    /// Does the work, or does it again after it was undone; `false` when it must be undone.
    fn perform(&mut self, connection: &Connection) -> bool;
    /// Tells the caller, once the commit went well or failed.
    fn finish(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Pending<T, F, N> {
    work: F,
    done: Option<Result<T, StoreError>>,
    then: N,
}

impl<T, F, N> Work for Pending<T, F, N>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, StoreError> + Send,
    N: FnOnce(Result<T, StoreError>) + Send,
{
    fn perform(&mut self, connection: &Connection) -> bool {
        let done = (self.work)(connection);
        self.done.insert(done).is_ok()
    }

    fn finish(self: Box<Self>, commit: Result<(), StoreError>) {
        let Self { work, done, then } = *self;
        // What it shares with the caller is the caller's alone from here on.
        drop(work);
        then(match (done, commit) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(failed)) => Err(failed),
            (Some(done), Ok(())) => done,
            (None, Ok(())) => Err(StoreError::Stopped),
        });
    }
}

/// What is written beside the database at a commit.
struct Anchoring {
    anchors: AuditAnchors,
    /// Where the log ended when the transaction began.
    begin: AuditHead,
    /// Where it ended after the last commit of this process, which knew what was before.
    own: Option<AuditHead>,
    /// Whether that is in the file.
    written: bool,
}

fn serve(connection: &Connection, inbox: &Receiver<Job>, anchoring: &mut Option<Anchoring>) {
    let mut crowded = false;
    while let Ok(first) = inbox.recv() {
        let mut batch = vec![first];
        gather(inbox, &mut batch, crowded);
        crowded = batch.len() > 1;
        let commit = commit(connection, &mut batch, anchoring);
        batch.into_iter().for_each(|job| job.finish(commit.clone()));
    }
}

/// Takes what is there; in a crowd also what follows soon. A commit costs as much for one as for many, and most of it is the
/// processor's time. Who is alone never waits. It sleeps instead of listening: to be woken for each job costs as much again.
fn gather(inbox: &Receiver<Job>, batch: &mut Vec<Job>, crowded: bool) {
    let begin = Instant::now();
    loop {
        let before = batch.len();
        batch.extend(inbox.try_iter().take(MAX_BATCH - before));
        let came = batch.len() > before || before == 1 && crowded;
        if !came || batch.len() >= ENOUGH || begin.elapsed() >= PATIENCE {
            return;
        }
        sleep(LULL);
    }
}

fn commit(connection: &Connection, batch: &mut [Job], anchoring: &mut Option<Anchoring>) -> Result<(), StoreError> {
    if transaction(connection, anchoring, || together(connection, batch))? {
        return Ok(());
    }
    transaction(connection, anchoring, || apart(connection, batch).map(|()| true)).map(drop)
}

/// Commits what `work` does when it says so; else all of it is undone.
fn transaction(
    connection: &Connection,
    anchoring: &mut Option<Anchoring>,
    work: impl FnOnce() -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    execute(connection, "BEGIN IMMEDIATE")?;
    let mut begin = || anchoring.as_mut().map_or(Ok(()), |anchoring| anchoring.begin(connection));
    let done = begin().and_then(|()| work());
    let mut keep = || match anchoring {
        None => execute(connection, "COMMIT"),
        Some(anchoring) => anchoring.commit(connection),
    };
    let done = done.and_then(|good| if good { keep().map(|()| true) } else { Ok(false) });
    if done != Ok(true) && !connection.is_autocommit() {
        // What made the commit fail is told; where this fails too, SQLite has rolled back by itself.
        let _ = execute(connection, "ROLLBACK");
    }
    done
}

impl Anchoring {
    /// What is there before this process adds to it is not its own to vouch for.
    fn begin(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.begin = audit::head(connection)?;
        Ok(())
    }

    /// Commits, and writes down where the audit log ends then. The file of anchors is locked meanwhile, so that no other process
    /// writes an older one behind a newer one.
    fn commit(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let head = audit::head(connection)?;
        let known = self.own == Some(self.begin);
        if head == AuditHead::NONE || known && self.written && head == self.begin {
            return execute(connection, "COMMIT");
        }
        let held = self.anchors.hold(&self.begin, &head, known)?;
        execute(connection, "COMMIT")?;
        // It is committed, whatever becomes of this; the next commit writes it again, unless it has to tell what it found.
        self.written = held.write().is_ok();
        self.own = (self.written || known).then_some(head);
        Ok(())
    }
}

/// One after the other; `false` when one failed that had written something, which takes the work of all with it. Most jobs that
/// fail do so before they write: then nobody pays for savepoints, which copy every page that changes.
fn together(connection: &Connection, batch: &mut [Job]) -> Result<bool, StoreError> {
    for job in batch {
        let before = connection.total_changes();
        let untouched = || connection.total_changes() == before && !connection.is_autocommit();
        if !job.perform(connection) && !untouched() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// One after the other, each with its own changes to undo.
fn apart(connection: &Connection, batch: &mut [Job]) -> Result<(), StoreError> {
    for job in batch {
        execute(connection, "SAVEPOINT job")?;
        if !job.perform(connection) {
            execute(connection, "ROLLBACK TO job")?;
        }
        execute(connection, "RELEASE job")?;
    }
    Ok(())
}

/// Does a statement without rows, compiled once.
pub(super) fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    let done = connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    done.map(drop).map_err(|error| failure_of(connection, error))
}

#[cfg(test)]
mod tests;
