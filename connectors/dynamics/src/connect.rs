//! From configuration to a connection. Nothing is sent here.

use std::sync::Arc;
use std::time::Duration;

use connector::{Capability, Context, Error, ErrorKind, ExternalKey, NoteKind, Object, OwnerField};
use connector_http::{Bucket, Client, ClientSpec, Origin, RetryPolicy, ThrottleSpec, TokenEndpoint, Transport};

use crate::api::Api;
use crate::auth::Grant;
use crate::beside::{self, LONGEST_NOTE};
use crate::bulk::Bulk;
use crate::config::{Config, Limits};
use crate::currency::Currencies;
use crate::dialect::DynamicsDialect;
use crate::schema::Schemas;
use crate::versions::Versions;
use crate::{Dynamics, EXTERNAL_KEY, VENDOR};

/// Most writes of one push: what one `$batch` may hold.
const PUSH_BATCH: usize = 1_000;
/// Most records one read names: a query's conditions end at 500, and its address at 32,768 characters.
pub(crate) const READ_BATCH: usize = 500;
/// Most rows of a page.
const LONGEST_PAGE: usize = 5_000;
/// Dataverse counts to this at once for one user.
const MOST_IN_FLIGHT: usize = 52;

/// Makes the connector of one Dataverse organisation. An error is about the configuration.
pub fn connect(mut config: Config, context: Context) -> Result<Dynamics, Error> {
    clamp(&mut config.limits);
    let base = parse("base_url", &config.base_url)?;
    let token_url = parse("token_url", &config.token_url)?;
    if !is_prefix(&config.publisher_prefix) {
        return Err(Error::new(ErrorKind::Config, "connect to Dynamics", "publisher_prefix is no publisher's prefix")
            .with_fix("2 to 8 letters and digits, beginning with a letter, without the _ that follows it"));
    }
    let transport = |origin: &Origin, max_body| match &config.ca {
        Some(pem) => Transport::trusting(origin, config.timeouts, max_body, pem),
        None => Transport::new(origin, config.timeouts, max_body),
    };
    // A token answer is small, whatever the pages are.
    let token_transport = transport(&token_url, 1 << 20)?;
    let audience = token_url.to_string();
    let endpoint = TokenEndpoint::new(token_url, token_transport, context.clock.clone(), context.entropy.clone());
    let grant =
        Grant::new(endpoint, &audience, config.client_id, &base.to_string(), config.credential.clone(), &context);
    let spec = ClientSpec {
        transport: transport(&base, config.limits.max_body)?,
        origin: base.clone(),
        tokens: Arc::new(grant),
        throttle: throttle(&config.limits),
        retry: RetryPolicy::default(),
        dialect: Arc::new(DynamicsDialect),
    };
    let capability = capability(&config.limits, &config.publisher_prefix, config.change_tracking);
    let api = Api {
        client: Client::new(spec, &context),
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        base,
        prefix: config.publisher_prefix.to_ascii_lowercase(),
        limits: config.limits,
        write_mode: config.write_mode,
        change_tracking: config.change_tracking,
        suppress_duplicate_detection: config.suppress_duplicate_detection,
        creation: config.creation,
        schemas: Schemas::default(),
        versions: Versions::default(),
        currencies: Currencies::default(),
        bulk: Bulk::default(),
        schema: tokio::sync::Mutex::new(()),
    };
    Ok(Dynamics { api, capability })
}

fn clamp(limits: &mut Limits) {
    limits.page = limits.page.clamp(1, LONGEST_PAGE);
    limits.bulk = limits.bulk.clamp(1, PUSH_BATCH);
    limits.batch = limits.batch.clamp(1, PUSH_BATCH);
    limits.max_in_flight = limits.max_in_flight.clamp(1, MOST_IN_FLIGHT);
    limits.parallel = limits.parallel.clamp(1, limits.max_in_flight);
}

fn parse(key: &str, url: &str) -> Result<Origin, Error> {
    Origin::parse(url).map_err(|error| {
        Error::new(ErrorKind::Config, "connect to Dynamics", format!("{key} {error}"))
            .with_fix("base_url is the organisation's own address, e.g. https://acme.crm4.dynamics.com")
    })
}

/// A publisher's customisation prefix.
fn is_prefix(text: &str) -> bool {
    (2..=8).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && !text.to_ascii_lowercase().starts_with("mscrm")
}

fn throttle(limits: &Limits) -> ThrottleSpec {
    ThrottleSpec {
        buckets: vec![Bucket {
            name: "requests",
            limit: limits.requests.max(1),
            window: limits.window.max(Duration::from_secs(1)),
        }],
        daily: "daily requests",
        max_in_flight: limits.max_in_flight,
        longest_wait: limits.longest_wait,
    }
}

fn capability(limits: &Limits, prefix: &str, change_tracking: bool) -> Capability {
    let people = [Object::Contact, Object::Lead];
    let pulled = [Object::Contact, Object::Lead, Object::Company, Object::Deal];
    let noted = beside::objects();
    let key: connector::FieldName = format!("{}_{EXTERNAL_KEY}", prefix.to_ascii_lowercase()).into();
    Capability {
        vendor: VENDOR,
        objects: pulled.iter().cloned().chain([Object::User, Object::Activity]).collect(),
        push_batch: PUSH_BATCH,
        read_batch: READ_BATCH,
        creates: people.clone().map(|object| ExternalKey { object, field: key.clone() }).to_vec(),
        deletions: pulled.to_vec(),
        associations: vec![Object::Deal],
        tells_company: vec![Object::Contact],
        owners: [Object::Contact, Object::Lead, Object::Company]
            .map(|object| OwnerField { object, field: "ownerid".into() })
            .to_vec(),
        notes: noted.iter().cloned().map(|object| NoteKind { object, html: false, longest: LONGEST_NOTE }).collect(),
        tasks: noted,
        lists: Vec::new(),
        leads: Vec::new(),
        erases: people.to_vec(),
        creates_fields: true,
        visibility_lag: if change_tracking { Duration::ZERO } else { limits.lag },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_publishers() {
        assert!(is_prefix("new") && is_prefix("Acme1"));
        for bad in ["", "a", "acmeacme1", "1ab", "a_b", "mscrmx"] {
            assert!(!is_prefix(bad), "{bad}");
        }
    }

    #[test]
    fn limits_stay_below_dataverses_own() {
        let mut limits = Limits { page: 9_000, max_in_flight: 100, parallel: 80, bulk: 0, ..Limits::default() };
        clamp(&mut limits);
        assert_eq!((limits.page, limits.max_in_flight, limits.parallel, limits.bulk), (5_000, 52, 52, 1));
    }
}
