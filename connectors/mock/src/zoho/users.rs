//! The people of the org whom records belong to; the first is the one the integration signs in as.

use serde_json::{Value, json};

use super::datum::stamp;
use super::ids;
use crate::clock::Millis;
use crate::crowd::agent_email;
use crate::people::AGENTS;

/// 2023-09-01T08:00:00Z: when the seeded users joined.
const JOINED: Millis = 1_693_555_200_000;

#[derive(Clone, Debug)]
pub struct User {
    pub id: u64,
    pub email: String,
    pub first: String,
    pub last: String,
    pub team: String,
    pub active: bool,
    pub modified: Millis,
}

impl User {
    pub fn new(at: u64, first: &str, last: &str, team: &str) -> Self {
        Self {
            id: ids::user(at),
            email: agent_email(first, last),
            first: first.to_owned(),
            last: last.to_owned(),
            team: team.to_owned(),
            active: true,
            modified: JOINED,
        }
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.first, self.last).trim().to_owned()
    }

    pub fn json(&self, offset_min: i32) -> Value {
        let boss = ids::user(0);
        let by = json!({ "name": "CDP Sync", "id": boss.to_string() });
        json!({
            "id": self.id.to_string(),
            "zuid": (700_000_000 + self.id % 1_000_000).to_string(),
            "email": self.email,
            "first_name": self.first,
            "last_name": self.last,
            "full_name": self.name(),
            "alias": null,
            "status": if self.active { "active" } else { "inactive" },
            "confirm": true,
            "role": { "name": self.team, "id": ids::setting(8, 1).to_string() },
            "profile": { "name": "Administrator", "id": ids::setting(8, 2).to_string() },
            "time_zone": "Europe/Lisbon",
            "locale": "en_US",
            "language": "en_US",
            "country": "us",
            "country_locale": "en_US",
            "date_format": "yyyy-MM-dd",
            "time_format": "HH:mm",
            "offset": i64::from(offset_min) * 60_000,
            "Isonline": false,
            "microsoft": false,
            "category": "regular_user",
            "type__s": "Regular User",
            "created_by": by,
            "Modified_By": by,
            "created_time": stamp(JOINED, offset_min),
            "Modified_Time": stamp(self.modified, offset_min),
        })
    }
}

/// The integration's own user, and the colleagues of every synthetic org; the last has left and still owns records.
pub fn synthetic() -> Vec<User> {
    let mut users = vec![integration()];
    users.extend(AGENTS.iter().enumerate().map(|(at, (first, last))| User {
        active: at + 1 < AGENTS.len(),
        ..User::new(at as u64 + 1, first, last, "Sales")
    }));
    users
}

pub fn integration() -> User {
    User { email: "sync@seller.example".to_owned(), ..User::new(0, "CDP", "Sync", "CEO") }
}
