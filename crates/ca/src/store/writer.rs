use std::{
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread::JoinHandle,
};

use rusqlite::Connection;

use super::{StoreError, sqlite::failure};

/// The one thread that writes. What comes while it commits is done together in the next commit, so that one flush to disk
/// serves many callers; each waits until the commit with its own work is durable.
pub(super) struct Writer {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

type Job = Box<dyn Work>;

/// The most jobs in one commit: bounds the wait of the first, and what a failing commit takes with it.
const MAX_BATCH: usize = 128;

impl Writer {
    pub fn start(connection: Connection) -> std::io::Result<Self> {
        let (jobs, inbox) = sync_channel(MAX_BATCH);
        let thread = std::thread::Builder::new().name("ca-store".into()).spawn(move || serve(connection, &inbox))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Does `work` inside a transaction and waits until it is on disk. Its error undoes its own changes only.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.post(work)?.recv().map_err(|_| StoreError::Stopped)?
    }

    /// Like [`run`](Self::run), for who waits later.
    fn post<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Receiver<Result<T, StoreError>>, StoreError> {
        let (answer, outcome) = channel();
        let job = Pending { work: Some(work), done: None, answer };
        let jobs = self.jobs.as_ref().ok_or(StoreError::Stopped)?;
        jobs.send(Box::new(job)).map_err(|_| StoreError::Stopped)?;
        Ok(outcome)
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
    /// Does the work; `false` when it must be undone.
    fn perform(&mut self, connection: &Connection) -> bool;
    /// Tells the caller, once the commit went well or failed.
    fn finish(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Pending<T, F> {
    work: Option<F>,
    done: Option<Result<T, StoreError>>,
    answer: Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, StoreError> + Send> Work for Pending<T, F> {
    fn perform(&mut self, connection: &Connection) -> bool {
        self.done = self.work.take().map(|work| work(connection));
        matches!(self.done, Some(Ok(_)))
    }

    fn finish(self: Box<Self>, commit: Result<(), StoreError>) {
        let outcome = match (self.done, commit) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(failed)) => Err(failed),
            (Some(done), Ok(())) => done,
            (None, Ok(())) => Err(StoreError::Stopped),
        };
        // The caller waits for this; where it is gone nobody needs it.
        let _ = self.answer.send(outcome);
    }
}

fn serve(connection: Connection, inbox: &Receiver<Job>) {
    while let Ok(first) = inbox.recv() {
        let mut batch = vec![first];
        batch.extend(inbox.try_iter().take(MAX_BATCH - 1));
        let commit = commit(&connection, &mut batch);
        batch.into_iter().for_each(|job| job.finish(commit.clone()));
    }
}

fn commit(connection: &Connection, batch: &mut [Job]) -> Result<(), StoreError> {
    execute(connection, "BEGIN IMMEDIATE")?;
    let done = perform(connection, batch).and_then(|()| execute(connection, "COMMIT"));
    if done.is_err() && !connection.is_autocommit() {
        // What made the commit fail is told; where this fails too, SQLite has rolled back by itself.
        let _ = execute(connection, "ROLLBACK");
    }
    done
}

fn perform(connection: &Connection, batch: &mut [Job]) -> Result<(), StoreError> {
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
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(drop).map_err(failure)
}

#[cfg(test)]
mod tests;
