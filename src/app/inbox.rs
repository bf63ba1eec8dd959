//! Inboxes: files that are put into a folder are imported as runs and moved aside.
//!
//! A file is taken when two looks find it the same. Its events are on disk before it is moved to `done/`, and it is moved
//! before its rejected rows, collected beside under a name with a dot, get their name in `rejected/`. Wherever a process
//! dies between these, the file is either still there, and importing it again adds nothing twice, or in `done/`, and the
//! next start gives its rejected rows their name.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::importing::{Fate, Imported};
use super::running::{Ending, isolated};
use super::{App, Finished};
use crate::ingest::{Inbox, Looks, Sight, free_name};
use crate::model::{Counts, Flow, SourceName};
use crate::store::Result;

/// How often an inbox is looked into.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// The inboxes of all sources, with what was found in them before.
#[derive(Debug)]
pub struct Inboxes(Vec<Watched>);

#[derive(Debug)]
struct Watched {
    source: SourceName,
    inbox: Inbox,
    looks: Looks,
    /// What went wrong at the last look, so that it is told once.
    complaint: Option<String>,
}

/// Where the parts of a taken file go.
struct Way {
    file: PathBuf,
    done: PathBuf,
    rejected: PathBuf,
    /// Rejected rows, as long as the file is not in `done/`.
    part: PathBuf,
}

impl App {
    /// The inboxes of this configuration. What a process that died had left half done in them is brought to its end.
    pub fn inboxes(&self) -> Inboxes {
        let with_inbox = self.settings.sources.iter().filter_map(|source| Some((source, source.inbox.as_ref()?)));
        let watched = with_inbox.map(|(source, inbox)| {
            settle_parts(&inbox.files.folder);
            let inbox = inbox.files.clone();
            Watched { source: source.name.clone(), inbox, looks: Looks::default(), complaint: None }
        });
        Inboxes(watched.collect())
    }

    /// Looks into the inboxes until `app.stop` is cancelled.
    pub(super) async fn watch_inboxes(self: Arc<Self>) {
        let mut inboxes = self.inboxes();
        while !inboxes.0.is_empty() {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.world.clock.sleep(LOOK_EVERY) => {}
            }
            if let Err(error) = self.look_into(&mut inboxes).await {
                tracing::error!(%error, "the store failed while an inbox was read; its files are read again");
            }
        }
    }

    /// One look: imports every file that is as the look before found it. The runs, in the order of sources and names.
    pub async fn look_into(&self, inboxes: &mut Inboxes) -> Result<Vec<Finished>> {
        let mut runs = Vec::new();
        for watched in &mut inboxes.0 {
            let found = match sights(&watched.inbox) {
                Ok(found) => found,
                Err(error) => {
                    watched.complain(&error);
                    continue;
                }
            };
            watched.complaint = None;
            for (name, sight) in watched.looks.still(found) {
                if self.stop.is_cancelled() {
                    return Ok(runs);
                }
                let taken = match isolated(self.take(&watched.source, &watched.inbox.folder, &name, sight)).await {
                    Ok(taken) => taken?,
                    Err(defect) => Taken { run: Some(self.failed(defect).await?), leave: true },
                };
                if taken.leave {
                    watched.looks.leave(&name, sight);
                }
                runs.extend(taken.run);
            }
        }
        Ok(runs)
    }

    /// Imports one file and moves it where it belongs.
    async fn take(&self, source: &SourceName, folder: &Path, name: &str, sight: Sight) -> Result<Taken> {
        let way = match Way::of(folder, name) {
            Ok(way) => way,
            Err(error) => {
                let why = format!("make {} and its folders beside it: {error}", folder.join(Inbox::DONE).display());
                return Ok(Taken { run: Some(self.failed(Ending::File(why)).await?), leave: true });
            }
        };
        // Another source may have taken it since it was seen.
        if !way.file.exists() {
            return Ok(Taken { run: None, leave: false });
        }
        let mut rejects = Rejects { path: &way.part, open: None };
        let imported = {
            let refuse = &mut |bytes: &[u8]| rejects.write(bytes);
            self.import_refusing(&way.file, source.clone(), refuse, &(), &|_| ()).await?
        };
        let Imported { finished, fate } = imported;
        self.arrived.notify_one();
        let moved = rejects.close().and_then(|()| way.follow(fate, sight));
        match moved {
            // A file that cannot be read is tried again when it changes; one that was interrupted, at the next look.
            Ok(()) => {
                let unreadable = fate == Fate::Unfinished && finished.run.error_kind.as_deref() == Some("file");
                Ok(Taken { run: Some(finished), leave: unreadable })
            }
            Err(error) => {
                let why = format!("move {} aside: {error}; what is in it is stored", way.file.display());
                Ok(Taken { run: Some(self.failed(Ending::File(why)).await?), leave: true })
            }
        }
    }

    async fn failed(&self, why: Ending) -> Result<Finished> {
        let run = self.start_run(Flow::Ingest, None, None).await?;
        self.end_run(run, Counts::default(), why).await
    }
}

/// What came of a file.
struct Taken {
    run: Option<Finished>,
    /// Whether it is left alone until it changes.
    leave: bool,
}

impl Watched {
    fn complain(&mut self, error: &io::Error) {
        let complaint = error.to_string();
        if self.complaint.as_ref() != Some(&complaint) {
            let folder = self.inbox.folder.display();
            tracing::warn!(source = &*self.source, "the inbox {folder} cannot be looked into: {complaint}");
            self.complaint = Some(complaint);
        }
    }
}

/// The source's files in its inbox. A folder that is not there yet has none. Links are not followed, and a file with nothing
/// in it yet waits for its writer.
fn sights(inbox: &Inbox) -> io::Result<BTreeMap<String, Sight>> {
    let entries = match fs::read_dir(&inbox.folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries?,
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if inbox.matches(&name)
            && let Some(sight) = sight(&entry.path())
        {
            found.insert(name, sight);
        }
    }
    Ok(found)
}

fn sight(path: &Path) -> Option<Sight> {
    let about = fs::symlink_metadata(path).ok().filter(|about| about.is_file() && about.len() > 0)?;
    Some(Sight { size: about.len(), modified: about.modified().ok() })
}

/// Rejected rows on their way to a file, made with the first of them.
struct Rejects<'a> {
    path: &'a Path,
    open: Option<BufWriter<File>>,
}

impl Rejects<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(BufWriter::new(File::create(self.path)?));
        }
        self.open.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }

    fn close(self) -> io::Result<()> {
        self.open.map_or(Ok(()), |file| file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all())
    }
}

impl Way {
    /// Under its own name, or with a number behind it where a file of that name has been taken before.
    fn of(folder: &Path, name: &str) -> io::Result<Self> {
        let (done, rejected) = (folder.join(Inbox::DONE), folder.join(Inbox::REJECTED));
        fs::create_dir_all(&done)?;
        fs::create_dir_all(&rejected)?;
        let free = free_name(name, |name| done.join(name).exists() || rejected.join(name).exists());
        let part = rejected.join(part_name(&free));
        Ok(Self { file: folder.join(name), done: done.join(&free), rejected: rejected.join(&free), part })
    }

    /// Moves the file, and then its rejected rows. `sight` is the file as it was taken: one that has changed since stays.
    fn follow(&self, fate: Fate, sight_before: Sight) -> io::Result<()> {
        let unchanged = sight(&self.file) == Some(sight_before);
        match fate {
            Fate::Taken if unchanged => {
                fs::rename(&self.file, &self.done)?;
                present(&self.part, |part| fs::rename(part, &self.rejected))
            }
            Fate::Refused if unchanged => fs::rename(&self.file, &self.rejected),
            Fate::Taken | Fate::Refused | Fate::Unfinished => present(&self.part, |part| fs::remove_file(part)),
        }
    }
}

fn present(path: &Path, act: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    match act(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

const PART: &str = ".part";

fn part_name(name: &str) -> String {
    format!(".{name}{PART}")
}

/// Rejected rows whose file is in `done/` get their name; the others will be written anew.
fn settle_parts(folder: &Path) {
    let rejected = folder.join(Inbox::REJECTED);
    let Ok(entries) = fs::read_dir(&rejected) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(PART));
        let Some(name) = name else { continue };
        let is_done = folder.join(Inbox::DONE).join(name).exists();
        let settled =
            if is_done { fs::rename(entry.path(), rejected.join(name)) } else { fs::remove_file(entry.path()) };
        if let Err(error) = settled {
            tracing::warn!("rejected rows left in {} could not be named: {error}", rejected.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_changed_since_it_was_taken_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.csv");
        fs::write(&file, "one").unwrap();
        let way = Way::of(folder.path(), "a.csv").unwrap();
        fs::write(&way.part, "a row").unwrap();
        let before = sight(&file).unwrap();
        fs::write(&file, "one and two").unwrap();
        way.follow(Fate::Taken, before).unwrap();
        way.follow(Fate::Refused, before).unwrap();
        assert!(file.exists() && !way.done.exists() && !way.rejected.exists() && !way.part.exists());
        way.follow(Fate::Taken, sight(&file).unwrap()).unwrap();
        assert!(!file.exists() && way.done.exists() && !way.rejected.exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_folders_and_empty_files_are_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox { folder: folder.path().join("in"), pattern: "*".into() };
        assert_eq!(sights(&inbox).unwrap(), BTreeMap::new());
        fs::create_dir_all(inbox.folder.join("done")).unwrap();
        fs::write(folder.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), inbox.folder.join("link")).unwrap();
        for (name, text) in [("empty", ""), (".hidden", "x"), ("file", "x")] {
            fs::write(inbox.folder.join(name), text).unwrap();
        }
        assert_eq!(sights(&inbox).unwrap().into_keys().collect::<Vec<_>>(), ["file"]);
    }
}
