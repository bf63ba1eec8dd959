//! Owners: the people of the portal whom records belong to.

use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::clock::iso;
use crate::crowd::agent_email;
use crate::exchange::Call;
use crate::people::AGENTS;

/// 2023-09-01T08:00:00Z: when the seeded owners joined.
const JOINED: i64 = 1_693_555_200_000;
const FIRST_OWNER_ID: u64 = 61_000_001;

#[derive(Clone, Debug)]
pub struct Owner {
    pub id: u64,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub team: String,
    /// A former colleague: listed only with `archived=true`, and without a user.
    pub archived: bool,
}

impl Owner {
    fn user_id(&self) -> u64 {
        // Never the owner id: mixing the two up is a classic mistake and should show.
        self.id - FIRST_OWNER_ID + 7_001
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "email": self.email,
            "type": "PERSON",
            "firstName": self.first_name,
            "lastName": self.last_name,
            "userId": if self.archived { Value::Null } else { json!(self.user_id()) },
            "userIdIncludingInactive": self.user_id(),
            "createdAt": iso(JOINED),
            "updatedAt": iso(JOINED),
            "archived": self.archived,
            "teams": [{ "id": "1", "name": self.team, "primary": true }],
        })
    }
}

/// The owners of synthetic records; the last has left the firm and still owns some.
pub fn synthetic() -> Vec<Owner> {
    let people = AGENTS.iter().enumerate();
    people.map(|(at, (first, last))| owner(at, first, last, "Sales", at + 1 == AGENTS.len())).collect()
}

/// The owner at position `at` of a portal.
pub fn owner(at: usize, first: &str, last: &str, team: &str, archived: bool) -> Owner {
    Owner {
        id: FIRST_OWNER_ID + at as u64,
        email: agent_email(first, last),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        team: team.to_owned(),
        archived,
    }
}

/// The first free position, above every owner a portal has.
pub fn next_position(owners: &[Owner]) -> usize {
    let last = owners.iter().map(|owner| owner.id - FIRST_OWNER_ID + 1).max().unwrap_or(0);
    usize::try_from(last).unwrap_or(usize::MAX)
}

/// The id of the owner at position `at`.
pub fn id_at(at: usize) -> String {
    (FIRST_OWNER_ID + at as u64).to_string()
}

/// `GET /crm/v3/owners`.
pub fn list(owners: &[Owner], call: &Call) -> Result<Value, Refusal> {
    let limit = match call.parameter("limit") {
        None => 100,
        Some(text) => match text.parse::<usize>() {
            Ok(limit) if (1..=500).contains(&limit) => limit,
            _ => return Err(Refusal::validation("limit must be between 1 and 500")),
        },
    };
    let after = call.parameter("after").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let email = call.parameter("email");
    let archived = call.flag("archived");
    let wanted = |owner: &&Owner| {
        owner.archived == archived
            && owner.id > after
            && email.as_ref().is_none_or(|email| owner.email.eq_ignore_ascii_case(email))
    };
    let matching: Vec<&Owner> = owners.iter().filter(wanted).collect();
    let page: Vec<Value> = matching.iter().take(limit).map(|owner| owner.json()).collect();
    let mut body = json!({ "results": page });
    if let (true, Some(last)) = (matching.len() > limit, matching.get(limit - 1)) {
        body["paging"] = json!({ "next": { "after": last.id.to_string() } });
    }
    Ok(body)
}

/// `GET /crm/v3/owners/{id}?idProperty=id|userId`.
pub fn one(owners: &[Owner], id: &str, call: &Call) -> Result<Value, Refusal> {
    let by_user = call.parameter("idProperty").is_some_and(|name| name == "userId");
    let archived = call.flag("archived");
    let wanted = |owner: &&Owner| {
        let key = if by_user { owner.user_id() } else { owner.id };
        owner.archived == archived && key.to_string() == id
    };
    owners.iter().find(wanted).map(Owner::json).ok_or_else(Refusal::not_found)
}
