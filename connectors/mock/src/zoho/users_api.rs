//! `GET /users` and `GET /org`.

use serde_json::{Value, json};

use super::ids::{self, ORG_ID, SYNC_USER};
use super::list_api::paging;
use super::org::Org;
use super::refusal::Refusal;
use super::users::User;
use crate::exchange::{Call, Reply};

impl Org {
    pub fn list_users(&self, call: &Call) -> Result<Reply, Refusal> {
        let (per_page, page) = paging(call)?;
        let kind = call.parameter("type").filter(|kind| !kind.is_empty());
        let wanted = |user: &&User| match kind.as_deref() {
            Some("CurrentUser") => user.id == SYNC_USER,
            Some("ActiveUsers" | "ActiveConfirmedUsers") => user.active,
            Some("DeactiveUsers") => !user.active,
            Some("AdminUsers" | "ActiveConfirmedAdmins") => user.id == SYNC_USER,
            _ => true,
        };
        let known = ["AllUsers", "CurrentUser", "ActiveUsers", "DeactiveUsers", "AdminUsers", "ActiveConfirmedUsers"];
        if kind.as_deref().is_some_and(|kind| !known.contains(&kind) && kind != "ActiveConfirmedAdmins") {
            return Err(Refusal::invalid_param("type"));
        }
        let all: Vec<&User> = self.users.iter().filter(wanted).collect();
        let skip = usize::try_from((page - 1) * per_page).unwrap_or(usize::MAX);
        let take = usize::try_from(per_page).unwrap_or(usize::MAX);
        let users: Vec<Value> = all.iter().skip(skip).take(take).map(|user| user.json(self.knobs.offset_min)).collect();
        if users.is_empty() {
            return Ok(Reply::empty(204));
        }
        let more = all.len() > skip.saturating_add(take);
        let info = json!({ "per_page": per_page, "count": users.len(), "page": page, "more_records": more });
        Ok(Reply::json(200, &json!({ "users": users, "info": info })))
    }

    pub fn read_user(&self, text: &str) -> Result<Reply, Refusal> {
        let id = ids::parse(text).ok_or_else(Refusal::no_such_url)?;
        Ok(match self.user(id) {
            Some(user) => Reply::json(200, &json!({ "users": [user.json(self.knobs.offset_min)] })),
            None => Reply::empty(204),
        })
    }

    pub fn organisation(&self) -> Reply {
        let mut org = json!({
            "id": ids::setting(0, 1).to_string(),
            "zgid": ORG_ID.to_string(),
            "company_name": "Seller",
            "primary_email": "sync@seller.example",
            "primary_zuid": "700100001",
            "website": "seller.example",
            "city": "Lisbon", "country": "Portugal", "country_code": "PT",
            "currency": "US Dollar", "currency_symbol": "$", "currency_locale": "en_US", "iso_code": "USD",
            "time_zone": "Europe/Lisbon",
            "domain_name": "org7654321", "type": "production", "max_per_page": 200,
            "license_details": {
                "paid_expiry": null, "users_license_purchased": 50, "trial_type": null, "trial_expiry": null,
                "paid": true, "paid_type": "enterprise", "portal_users_license_purchased": 0, "trial_action": null,
            },
        });
        for unknown in ["alias", "phone", "mobile", "fax", "street", "state", "zip", "photo_id", "description"] {
            org[unknown] = Value::Null;
        }
        for unset in
            ["mc_status", "gapps_enabled", "privacy_settings", "hipaa_compliance_enabled", "lite_users_enabled"]
        {
            org[unset] = json!(false);
        }
        Reply::json(200, &json!({ "org": [org] }))
    }
}
