//! The organisation's currencies: rows name them by id, the contract by their ISO codes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector::{Error, Timestamp};
use serde::Deserialize;

use crate::api::{Api, decode, get};
use crate::odata::path;

/// A currency that is not known is looked for this often at most.
const NEWS_AFTER: Duration = Duration::from_secs(300);

/// What is remembered, and when it was asked for.
#[derive(Debug, Default)]
pub(crate) struct Currencies(Mutex<Option<(Timestamp, Arc<Codes>)>>);

/// ISO 4217 codes by the currency's id.
pub(crate) type Codes = BTreeMap<String, Arc<str>>;

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    value: Vec<Currency>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Currency {
    transactioncurrencyid: String,
    isocurrencycode: Option<String>,
}

impl Api {
    /// The codes of at least these currencies, where the organisation tells.
    pub async fn currencies(&self, needed: &[Arc<str>]) -> Result<Arc<Codes>, Error> {
        if needed.is_empty() {
            return Ok(Arc::default());
        }
        let now = self.clock.now();
        let known = self.currencies.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, codes)) = known
            && (now.since(at) < NEWS_AFTER || needed.iter().all(|id| codes.contains_key(&**id)))
        {
            return Ok(codes);
        }
        let select = "transactioncurrencyid,isocurrencycode";
        let call = get("read the organisation's currencies", path("transactioncurrencies", &[("$select", select)]));
        let codes = match self.try_ask::<List>(&call, decode).await? {
            Ok(list) => list.value.into_iter().filter_map(code).collect(),
            // Without them deals come without a currency.
            Err(refusal) if matches!(refusal.status, 400 | 404 | 501) => Codes::new(),
            Err(refusal) => return Err(refusal.into_error(call.attempted)),
        };
        let codes = Arc::new(codes);
        *self.currencies.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, codes.clone()));
        Ok(codes)
    }
}

fn code(row: Currency) -> Option<(String, Arc<str>)> {
    let code = row.isocurrencycode.filter(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()))?;
    Some((row.transactioncurrencyid.to_ascii_lowercase(), code.into()))
}
