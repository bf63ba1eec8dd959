//! The face's part about what was learnt, carried out by SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use connector::Timestamp;

use super::SqliteStore;
use super::fault::{Fallible, Fault};
use super::letters::rows_limit;
use super::session::Session;
use crate::model::{KeptModel, ModelState};
use crate::store::{LearntData, Result};

/// Models of one score that are kept beside the active one.
const KEPT: i64 = 20;

fn number(state: ModelState) -> i64 {
    match state {
        ModelState::None => 0,
        ModelState::Shadow => 1,
        ModelState::Active => 2,
        ModelState::Retired => 3,
    }
}

fn read(row: &rusqlite::Row<'_>) -> Fallible<KeptModel> {
    let state: i64 = row.get(3)?;
    let known = ModelState::ALL.into_iter().find(|known| number(*known) == state);
    Ok(KeptModel {
        id: row.get(0)?,
        score: row.get(1)?,
        trained_at: Timestamp::from_micros(row.get(2)?),
        state: known.ok_or(Fault::Damaged("a model in an unknown state"))?,
        model: row.get(4)?,
        report: row.get(5)?,
    })
}

#[async_trait]
impl LearntData for SqliteStore {
    async fn keep_model(&self, model: KeptModel) -> Result<i64> {
        self.write("keep a model", move |session| {
            if model.state == ModelState::Active {
                retire(session, &model.score)?;
            }
            session.run(
                "INSERT INTO learnt (score, trained_at, state, model, report) VALUES (?1, ?2, ?3, ?4, ?5)",
                (&model.score, model.trained_at.micros(), number(model.state), &model.model, &model.report),
            )?;
            let id = session.conn.last_insert_rowid();
            session.run(
                "DELETE FROM learnt WHERE score = ?1 AND state <> 2 AND id NOT IN
                    (SELECT id FROM learnt WHERE score = ?1 ORDER BY id DESC LIMIT ?2)",
                (&model.score, KEPT),
            )?;
            Ok(id)
        })
        .await
    }

    async fn models(&self, score: Option<&str>, limit: usize) -> Result<Vec<KeptModel>> {
        let score = score.map(str::to_owned);
        self.read("list models", move |session| {
            let mut statement = session.sql(
                "SELECT id, score, trained_at, state, NULL, report FROM learnt
                 WHERE ?1 IS NULL OR score = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let mut rows = statement.query((score, rows_limit(limit)))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(read(row)?);
            }
            Ok(found)
        })
        .await
    }

    async fn model(&self, id: i64) -> Result<Option<KeptModel>> {
        self.read("read a model", move |session| {
            let mut statement =
                session.sql("SELECT id, score, trained_at, state, model, report FROM learnt WHERE id = ?1")?;
            let mut rows = statement.query([id])?;
            rows.next()?.map(read).transpose()
        })
        .await
    }

    async fn active_models(&self) -> Result<Vec<(Arc<str>, i64)>> {
        self.read("list active models", |session| {
            let mut statement = session.sql("SELECT score, id FROM learnt WHERE state = 2 ORDER BY score")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<std::result::Result<_, _>>()?)
        })
        .await
    }
}

fn retire(session: &Session<'_>, score: &str) -> Fallible<()> {
    session.run("UPDATE learnt SET state = 3 WHERE score = ?1 AND state = 2", [score])?;
    Ok(())
}
