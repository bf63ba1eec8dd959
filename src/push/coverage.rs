//! Which mappings the records have been told about. A mapping that was paused (its field was missing) or that has just been
//! written into `sync.toml` concerns every record, not only those that change from now on.

use connector::FieldName;

use super::{End, ListRule, Push};
use crate::mapping::ObjectMapping;
use crate::model::{DeadLetterCode, DeadLetterId};

/// Dead letters read at a time.
const LETTERS: usize = 500;

impl Push<'_> {
    /// The store's note with the mappings that every record has been staged under, one a line.
    fn coverage_note(&self) -> String {
        format!("pushed:{}:{}", self.connection, self.mapping.object)
    }

    /// Whether a mapping waits that has not been staged for every record; `false` before anything was.
    pub(super) async fn is_behind(&self) -> Result<bool, End> {
        let covered = self.store.note(&self.coverage_note()).await.map_err(End::Store)?;
        Ok(covered.is_some_and(|covered| !gained(&covered, &self.mapping).is_empty() || self.has_new_list(&covered)))
    }

    /// Marks every record where `usable` holds a mapping they have not been staged under, and closes the dead letters of
    /// fields that can be written again.
    pub(super) async fn catch_up(&self, usable: &ObjectMapping) -> Result<(), End> {
        let covered = self.store.note(&self.coverage_note()).await.map_err(End::Store)?;
        let Some(covered) = covered else { return Ok(()) };
        let fields = gained(&covered, usable);
        if fields.is_empty() && !self.has_new_list(&covered) {
            return Ok(());
        }
        self.close_letters(&fields).await?;
        self.store.mark_all(self.connection, &self.mapping.object).await.map_err(End::Store)?;
        Ok(())
    }

    /// Every record has now been staged under these mappings.
    pub(super) async fn note_coverage(&self, usable: &ObjectMapping) -> Result<(), End> {
        let lists = self.lists.iter().map(|rule| rule.line.to_string());
        let lines: Vec<String> = lines(usable).into_iter().chain(lists).collect();
        let (name, text) = (self.coverage_note(), lines.join("\n"));
        if self.store.note(&name).await.map_err(End::Store)?.as_deref() != Some(&text) {
            self.store.set_note(&name, &text).await.map_err(End::Store)?;
        }
        Ok(())
    }

    /// Whether a list is kept that was not, or for other segments than it was.
    fn has_new_list(&self, covered: &str) -> bool {
        self.lists.iter().any(|rule| is_new(covered, rule))
    }

    /// The lists that no push has looked at every record for; none before the first push, for which every record is marked anyway.
    pub(super) async fn new_lists(&self) -> Result<Vec<ListRule>, End> {
        let covered = self.store.note(&self.coverage_note()).await.map_err(End::Store)?;
        let Some(covered) = covered else { return Ok(Vec::new()) };
        Ok(self.lists.iter().filter(|rule| is_new(&covered, rule)).cloned().collect())
    }

    async fn close_letters(&self, fields: &[FieldName]) -> Result<(), End> {
        let mut after = DeadLetterId(0);
        loop {
            let letters = self.store.dead_letters(after, LETTERS).await.map_err(End::Store)?;
            let Some(last) = letters.last() else { return Ok(()) };
            after = last.id;
            for letter in &letters {
                let about = &letter.subject;
                let ours = letter.code == DeadLetterCode::FieldUnusable
                    && about.record.is_none()
                    && about.connection.as_deref() == Some(self.connection.as_str())
                    && about.object.as_deref() == Some(self.mapping.object.as_str())
                    && about.field.as_ref().is_some_and(|field| fields.contains(field));
                if ours {
                    self.store.drop_dead_letter(letter.id).await.map_err(End::Store)?;
                }
            }
        }
    }
}

fn is_new(covered: &str, rule: &ListRule) -> bool {
    covered.lines().all(|line| *line != *rule.line)
}

fn lines(mapping: &ObjectMapping) -> Vec<String> {
    mapping.pushes().map(|one| mapping.line(one).to_string()).collect()
}

/// The fields of mappings that `covered` does not name.
fn gained(covered: &str, mapping: &ObjectMapping) -> Vec<FieldName> {
    let known: Vec<&str> = covered.lines().collect();
    mapping.pushes().filter(|one| !known.contains(&&*mapping.line(one))).map(|one| one.field.clone()).collect()
}
