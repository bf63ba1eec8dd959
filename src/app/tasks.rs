//! A task for whoever was given a record that the CRM held already, and for the owner of an open deal whose contact enters the band: a new
//! lead speaks for itself, a record does not. Where there are no tasks, the log tells the owner of a deal's news.

use std::time::Duration;

use connector::{Object, Timestamp};

use super::{App, Connection};
use crate::model::{Cause, Desire, SideWish, Step, TrailLine};
use crate::store::{AssignmentRow, AssignmentState, Result};

/// How far behind the last look another one begins: a turn counts only when its write is settled.
const OVERLAP: Duration = Duration::from_secs(6 * 3_600);
/// Turns looked at in one pass.
const MOST: usize = 10_000;
/// Where nobody is waited for, a task is for tomorrow.
const TOMORROW: Duration = Duration::from_secs(86_400);

impl App {
    /// Wishes for the tasks of records that were given to somebody since the last look. The same turn wished for again changes nothing.
    pub(super) async fn wish_for_tasks(&self, connection: &Connection, object: &Object) -> Result<()> {
        let asked_for = self.settings.routing.as_ref().is_some_and(|rules| rules.task);
        let has_tasks = asked_for && connection.connector.capability().tasks.contains(object);
        let (name, now) = (format!("tasks:{}:{object}", connection.name()), self.world.clock.now());
        let seen = self.store.note(&name).await?.and_then(|text| Timestamp::parse_rfc3339(&text));
        let since = seen.unwrap_or(now).saturating_sub(OVERLAP);
        let mut desires = Vec::new();
        for row in self.store.assignments(None, since, MOST).await? {
            let here = row.connection == *connection.name() && row.object == *object;
            if !here || !row.existing || row.state != AssignmentState::Made || row.answered_at.is_some() {
                continue;
            }
            if has_tasks {
                desires.extend(self.task(&row).await?);
            } else if row.step == Some(Step::Deal) && seen.is_none_or(|seen| row.at > seen) {
                tell_log(&row);
            }
        }
        if !desires.is_empty() {
            self.store.desire(connection.name(), object, now, desires).await?;
        }
        self.store.set_note(&name, &now.to_rfc3339()).await
    }

    async fn task(&self, row: &AssignmentRow) -> Result<Option<Desire>> {
        let (Some(record), Some(uid)) = (&row.record, row.profile) else { return Ok(None) };
        let Some(id) = self.store.find_profile(&uid.to_string()).await? else { return Ok(None) };
        let Some(detail) = self.store.profile(id).await? else { return Ok(None) };
        let (subject, body) = told(|name| detail.profile.value(name).to_string(), &row.trail);
        let wish = SideWish::Task {
            // One a turn: who is given the record next gets a task, too.
            key: format!("lead-{}", row.at.secs()).into(),
            subject: subject.into(),
            body: body.into(),
            due_at: row.respond_by.unwrap_or_else(|| row.at.saturating_add(TOMORROW)),
            owner: row.owner_id.clone(),
        };
        let why = row.trail.last().map_or("routing", |line| &*line.text);
        let cause = Cause { mapping: format!("{}.task", row.object).into(), origin: format!("routing: {why}").into() };
        Ok(Some(Desire { record: record.clone(), wish, cause }))
    }
}

/// The alert in place of a task: `ferry route log` and the timeline say the same.
fn tell_log(row: &AssignmentRow) {
    tracing::warn!(
        connection = %row.connection,
        object = %row.object,
        record = row.record.as_ref().map(|id| id.as_str()),
        owner = row.owner_id.as_ref().map(|id| id.as_str()),
        "in_sales_cycle: a person with an open deal entered the band; its owner should know, and gets no task"
    );
}

/// What the task says: who, how high, why, and why it is theirs.
fn told(text: impl Fn(&str) -> String, trail: &[TrailLine]) -> (String, String) {
    let name = [text("first_name"), text("last_name")].into_iter().filter(|part| !part.is_empty());
    let name = name.collect::<Vec<_>>().join(" ");
    let name = if name.is_empty() { text("email") } else { name };
    let score = match (text("score_lead"), text("grade")) {
        (score, _) if score.is_empty() => String::new(),
        (score, grade) if grade.is_empty() => format!(", score {score}"),
        (score, grade) => format!(", score {score} ({grade})"),
    };
    let mut body = Vec::new();
    let reasons = text("score_reasons");
    if !reasons.is_empty() {
        body.push(format!("Why now: {reasons}"));
    }
    let why: Vec<&str> = trail.iter().map(|line| &*line.text).collect();
    body.push(format!("Why you: {}", why.join("; ")));
    (format!("Get in touch with {name}{score}"), body.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_says_who_why_now_and_why_you() {
        let held = |name: &str| match name {
            "first_name" => "Ada".to_owned(),
            "score_lead" => "65".to_owned(),
            "grade" => "A3".to_owned(),
            "score_reasons" => "Demo form +18.0".to_owned(),
            _ => String::new(),
        };
        let line = |text: &str| TrailLine { step: Step::Rule, text: text.into() };
        let (subject, body) = told(held, &[line("rule dach holds"), line("it is the turn of Rita")]);
        assert_eq!(subject, "Get in touch with Ada, score 65 (A3)");
        assert_eq!(body, "Why now: Demo form +18.0\nWhy you: rule dach holds; it is the turn of Rita");
    }
}
