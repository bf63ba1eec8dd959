//! What a CRM last said of its quota, kept where another process can read it: `ferry status` runs beside the daemon.

use connector::{Budget, ConnectionName};

use super::{App, Connection};
use crate::store::Result;

/// The store's note that holds it, as JSON: `limit`, `used`, `resets_at`, `paused_until`, each null where unknown.
pub fn quota_note(connection: &ConnectionName) -> String {
    format!("quota:{connection}")
}

impl App {
    /// Writes down what is known of a connection's quota, if the CRM has said anything.
    pub async fn remember_quota(&self, connection: &Connection) -> Result<()> {
        let budget = connection.connector.budget();
        if budget.daily.is_none() && budget.paused_until.is_none() {
            return Ok(());
        }
        let name = quota_note(connection.name());
        let text = text(&budget);
        if self.store.note(&name).await?.as_deref() != Some(&text) {
            self.store.set_note(&name, &text).await?;
        }
        Ok(())
    }
}

fn text(budget: &Budget) -> String {
    let daily = budget.daily.as_ref();
    serde_json::json!({
        "limit": daily.map(|pool| pool.limit),
        "used": daily.map(|pool| pool.used),
        "resets_at": daily.and_then(|pool| pool.resets_at),
        "paused_until": budget.paused_until,
    })
    .to_string()
}
