//! Whose account it is: asked once, for the address of record pages, the account's currency, and the hour its daily
//! quota starts again.

use std::sync::Arc;
use std::time::Duration;

use connector::{Account, Error, ErrorKind, Timestamp};
use connector_http::{Call, Priority, redact};
use serde::Deserialize;

use crate::api::Api;
use crate::dialect::PLAIN_CALL;
use crate::wire::Id;

const ATTEMPTED: &str = "read the account's details";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Portal {
    #[serde(rename = "portalId")]
    pub id: Id,
    pub time_zone: Option<String>,
    pub company_currency: Option<String>,
    pub ui_domain: Option<String>,
    #[serde(rename = "utcOffsetMilliseconds")]
    pub utc_offset_ms: Option<i64>,
}

impl Portal {
    /// The address of an object's record pages, up to the id.
    pub fn record_address(&self, type_id: &str) -> String {
        let plain = |domain: &&str| {
            domain.ends_with(".hubspot.com")
                && domain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        };
        let domain = self.ui_domain.as_deref().filter(plain).unwrap_or("app.hubspot.com");
        format!("https://{domain}/contacts/{}/record/{type_id}/", self.id.0)
    }

    pub fn currency(&self) -> Option<Arc<str>> {
        self.company_currency.as_deref().filter(|code| code.len() == 3).map(Arc::from)
    }

    /// The next midnight of the account's clock, when its daily pool is full again.
    pub fn next_midnight(&self, now: Timestamp) -> Timestamp {
        let offset = self.utc_offset_ms.unwrap_or(0).clamp(-86_400_000, 86_400_000);
        let local = now.millis().saturating_add(offset);
        let day = 86_400_000;
        Timestamp::from_millis((local.div_euclid(day) + 1).saturating_mul(day).saturating_sub(offset))
    }
}

impl Api {
    /// Asks HubSpot whose account it is.
    pub async fn ask_portal(&self) -> Result<Portal, Error> {
        let call = Call::get(ATTEMPTED, self.paths.account(), PLAIN_CALL).with_priority(Priority::Push);
        let portal: Portal = self
            .ask(&call, |answer| serde_json::from_slice(&answer.body).map_err(|error| redact::json_error(&error)))
            .await?;
        if portal.id.0.is_empty() {
            return Err(Error::new(ErrorKind::Config, ATTEMPTED, "the answer names no HubSpot account")
                .with_fix("check base_url: something else answers there"));
        }
        self.learn_midnight(&portal);
        Ok(portal)
    }

    /// The account, asked for once. Records have no address where HubSpot does not tell.
    pub async fn portal(&self) -> Result<Option<&Portal>, Error> {
        let asked = self
            .portal
            .get_or_try_init(|| async {
                match self.ask_portal().await {
                    Ok(portal) => Ok(Some(portal)),
                    // What the credential may not see, or this server does not have, is done without.
                    Err(error)
                        if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Config | ErrorKind::Unsupported) =>
                    {
                        Ok(None)
                    }
                    Err(error) => Err(error),
                }
            })
            .await?;
        Ok(asked.as_ref())
    }

    pub fn learn_midnight(&self, portal: &Portal) {
        let now = self.clock.now();
        // The pool starts again by their clock; we come back by ours.
        let ahead = self.client.server_now();
        let theirs = portal.next_midnight(ahead);
        self.client.daily_resets_at(now.saturating_add(theirs.since(ahead)).saturating_add(Duration::from_secs(1)));
    }

    pub async fn check(&self) -> Result<Account, Error> {
        let portal = self.ask_portal().await?;
        let account = Account {
            id: portal.id.0.as_str().into(),
            timezone: portal.time_zone.as_deref().map(Arc::from),
            currency: portal.currency(),
            server_time: self.client.has_heard_server_time().then(|| self.client.server_now()),
        };
        // A first answer also serves the pulls to come.
        let _ = self.portal.set(Some(portal));
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_ends_at_the_accounts_midnight() {
        let berlin = Portal { utc_offset_ms: Some(7_200_000), ..Portal::default() };
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        assert_eq!(berlin.next_midnight(at("2026-10-02T21:59:59Z")), at("2026-10-02T22:00:00Z"));
        assert_eq!(berlin.next_midnight(at("2026-10-02T22:00:00Z")), at("2026-10-03T22:00:00Z"));
        assert_eq!(Portal::default().next_midnight(at("2026-10-02T08:00:00Z")), at("2026-10-03T00:00:00Z"));
    }

    #[test]
    fn an_address_stays_at_hubspot() {
        let portal = |domain: &str| Portal { id: Id("42".into()), ui_domain: Some(domain.into()), ..Portal::default() };
        assert_eq!(
            portal("app-eu1.hubspot.com").record_address("0-1"),
            "https://app-eu1.hubspot.com/contacts/42/record/0-1/"
        );
        assert_eq!(portal("evil.example").record_address("0-1"), "https://app.hubspot.com/contacts/42/record/0-1/");
    }
}
