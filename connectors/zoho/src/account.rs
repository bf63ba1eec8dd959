//! Whose organisation it is: its id, its currency, and the credits its edition has for a day.

use std::sync::Arc;

use connector::{Account, Error, ErrorKind, Object};
use connector_http::{Call, Priority};
use serde::Deserialize;

use crate::api::{Api, decode};
use crate::dialect::CALL;
use crate::paths;
use crate::wire::Id;

const ATTEMPTED: &str = "read whose organisation it is";

#[derive(Deserialize)]
struct Answered {
    org: Vec<Row>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    zgid: Id,
    iso_code: Option<String>,
    time_zone: Option<String>,
    domain_name: Option<String>,
    license_details: License,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct License {
    paid_type: Option<String>,
    users_license_purchased: Option<u64>,
}

/// What is remembered of the organisation.
#[derive(Clone, Debug)]
pub(crate) struct Organisation {
    /// The id that headers and addresses of pages name it by.
    pub zgid: String,
    pub currency: Option<Arc<str>>,
    timezone: Option<Arc<str>>,
    domain: Option<String>,
}

impl Organisation {
    /// The address of a module's record pages, up to the id.
    pub fn record_address(&self, object: &Object, origin_host: &str) -> Option<String> {
        let tab = match object {
            Object::Contact => "Contacts",
            Object::Lead => "Leads",
            Object::Company => "Accounts",
            // The module's old name lives on in addresses.
            Object::Deal => "Potentials",
            _ => return None,
        };
        let suffix = origin_host.strip_prefix("www.zohoapis.")?;
        let org = match &self.domain {
            Some(domain) if is_plain(domain) => domain.clone(),
            _ => format!("org{}", self.zgid),
        };
        Some(format!("https://crm.zoho.{suffix}/crm/{org}/tab/{tab}/"))
    }
}

fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// A day's credits by edition (`zoho.md` §6); nothing where the edition is not known.
fn credits(paid_type: &str, users: u64) -> Option<u64> {
    let (each, most) = match paid_type.to_ascii_lowercase().as_str() {
        "free" => return Some(5_000),
        "standard" | "starter" => (250, 100_000),
        "professional" => (500, 3_000_000),
        "enterprise" | "zohoone" | "zoho_one" => (1_000, 5_000_000),
        "ultimate" | "crmplus" | "crm_plus" => (2_000, u64::MAX),
        _ => return None,
    };
    Some(users.saturating_mul(each).saturating_add(50_000).min(most))
}

impl Api {
    /// Asks Zoho whose organisation it is, and whether fields may be read, without which nothing is: two calls.
    pub async fn check(&self) -> Result<Account, Error> {
        let organisation = self.ask_organisation().await?;
        match self.describe_again("Contacts").await {
            Ok(_) => {}
            // A profile that sees no contacts may have other modules.
            Err(error) if error.kind == ErrorKind::Config => {}
            Err(error) => return Err(error),
        }
        let account = Account {
            id: organisation.zgid.as_str().into(),
            timezone: organisation.timezone.clone(),
            currency: organisation.currency.clone(),
            server_time: self.client.has_heard_server_time().then(|| self.client.server_now()),
        };
        // A first answer also serves the pulls to come.
        let _ = self.organisation.set(organisation);
        Ok(account)
    }

    /// The organisation, asked for once.
    pub async fn organisation(&self) -> Result<&Organisation, Error> {
        self.organisation.get_or_try_init(|| self.ask_organisation()).await
    }

    async fn ask_organisation(&self) -> Result<Organisation, Error> {
        let call = Call::get(ATTEMPTED, paths::ORG.to_owned(), CALL).with_priority(Priority::Push);
        let answered: Answered = self.ask(&call, decode).await?;
        let row = answered.org.into_iter().next().unwrap_or_default();
        if row.zgid.0.is_empty() {
            return Err(Error::new(ErrorKind::Config, ATTEMPTED, "the answer names no organisation")
                .with_fix("check base_url: something else answers there"));
        }
        let license = &row.license_details;
        let users = license.users_license_purchased.unwrap_or(1);
        if let Some(limit) = license.paid_type.as_deref().and_then(|edition| credits(edition, users)) {
            self.credits.learn_limit(limit);
            // Until a header says more, what we spend ourselves is what is known.
            if self.client.budget().daily.is_none() {
                self.client.daily_pool(limit, 0);
            }
        }
        let is_code = |code: &&str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
        Ok(Organisation {
            currency: row.iso_code.as_deref().filter(is_code).map(Arc::from),
            timezone: row.time_zone.as_deref().map(Arc::from),
            domain: row.domain_name,
            zgid: row.zgid.0,
        })
    }

    /// The address of an object's record pages, up to the id, where the organisation's data centre has one.
    pub async fn record_address(&self, object: &Object) -> Result<Option<String>, Error> {
        let organisation = self.organisation().await?;
        let origin = self.client.origin();
        Ok(organisation.record_address(object, origin.url().host_str().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editions_have_their_credits() {
        assert_eq!(credits("free", 3), Some(5_000));
        assert_eq!(credits("Standard", 10), Some(52_500));
        assert_eq!(credits("standard", 1_000), Some(100_000));
        assert_eq!(credits("enterprise", 20), Some(70_000));
        assert_eq!(credits("unheard of", 20), None);
    }

    #[test]
    fn a_record_has_an_address_where_the_data_centre_has_pages() {
        let organisation =
            Organisation { zgid: "777".into(), currency: None, timezone: None, domain: Some("acme".into()) };
        let of = |object: &Object, host: &str| organisation.record_address(object, host);
        assert_eq!(
            of(&Object::Deal, "www.zohoapis.eu").as_deref(),
            Some("https://crm.zoho.eu/crm/acme/tab/Potentials/")
        );
        assert_eq!(of(&Object::Contact, "127.0.0.1"), None);
        assert_eq!(of(&Object::User, "www.zohoapis.eu"), None);
        let plain = Organisation { domain: Some("a/b".into()), ..organisation.clone() };
        assert!(plain.record_address(&Object::Lead, "www.zohoapis.com").unwrap().contains("/crm/org777/"));
    }
}
