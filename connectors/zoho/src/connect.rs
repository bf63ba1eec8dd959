//! From configuration to a connection. Nothing is sent here.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector::{Capability, Context, Error, ErrorKind, ExternalKey, NoteKind, Object, OwnerField};
use connector_http::{Bucket, Client, ClientSpec, Origin, RetryPolicy, ThrottleSpec, TokenEndpoint, Transport};

use crate::api::Api;
use crate::assignment::Rules;
use crate::auth::{Credentials, Desk, Grant};
use crate::bulk_write::Jobs;
use crate::config::{Config, Limits};
use crate::coql::MOST_ROWS;
use crate::dialect::{Credits, ZohoDialect};
use crate::hosts::{DataCentre, Hosts};
use crate::listing::MOST_IDS;
use crate::push::{LONGEST_NOTE, can_have_notes};
use crate::roles::FewDeals;
use crate::schema::Schemas;
use crate::seen::Seen;
use crate::{EXTERNAL_KEY, VENDOR, Zoho};

/// Most writes of one push: what one bulk job takes. Fewer go out in calls of a hundred.
const PUSH_BATCH: usize = 25_000;
/// Most records of one page of a list.
const LONGEST_PAGE: usize = 200;

/// Makes the connector of one Zoho CRM organisation. An error is about the configuration.
pub fn connect(mut config: Config, context: Context) -> Result<Zoho, Error> {
    config.limits.page = config.limits.page.clamp(1, LONGEST_PAGE);
    config.limits.query_page = config.limits.query_page.clamp(1, MOST_ROWS);
    config.limits.bulk_page = config.limits.bulk_page.max(1);
    let token = parse("token_url", &config.token_url)?;
    let base = config.base_url.as_deref().map(|url| parse("base_url", url)).transpose()?;
    let centre = DataCentre::of(&token);
    let origin = match (&base, centre) {
        (Some(base), _) => base.clone(),
        (None, Some(centre)) => parse("data_center", &centre.base_url())?,
        (None, None) => parse("token_url", &root_of(&token))?,
    };
    let transport = Transport::new(&origin, config.timeouts, config.limits.max_body)?;
    // A token answer is small, whatever the pages are.
    let token_transport = Transport::new(&token, config.timeouts, 1 << 20)?;
    let endpoint = TokenEndpoint::new(token.clone(), token_transport, context.clock.clone(), context.entropy.clone());
    let credentials = Credentials {
        client_id: config.client_id,
        client_secret: config.client_secret,
        refresh_token: config.refresh_token,
    };
    let grant = Arc::new(Grant::new(endpoint, credentials, Hosts { token, base, centre }, &context));
    let credits = Arc::new(Credits::default());
    let spec = ClientSpec {
        origin,
        transport,
        tokens: Arc::new(Desk::api(grant.clone())),
        throttle: throttle(&config.limits),
        retry: patience(),
        dialect: Arc::new(ZohoDialect { credits: credits.clone() }),
    };
    let upload = match (&config.upload_url, centre) {
        (Some(url), _) => parse("upload_url", url)?,
        (None, Some(centre)) => parse("data_center", &centre.upload_url())?,
        (None, None) => spec.origin.clone(),
    };
    let download = match (&config.download_url, centre) {
        (Some(url), _) => parse("download_url", url)?,
        (None, Some(centre)) => parse("data_center", &centre.download_url())?,
        (None, None) => spec.origin.clone(),
    };
    let elsewhere = |origin: Origin, max_body| {
        Ok::<_, Error>(ClientSpec {
            transport: Transport::new(&origin, config.timeouts, max_body)?,
            origin,
            tokens: Arc::new(Desk::elsewhere(grant.clone())),
            throttle: throttle(&config.limits),
            retry: patience(),
            dialect: spec.dialect.clone(),
        })
    };
    let uploads = elsewhere(upload, 1 << 20)?;
    let downloads = elsewhere(download.clone(), config.limits.max_body)?;
    let api = Api {
        downloads: Client::new(downloads, &context),
        downloads_at: download,
        client: Client::new(spec, &context),
        uploads: Client::new(uploads, &context),
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        limits: config.limits,
        credits,
        trigger: config.trigger,
        creation: config.creation,
        assignment_rule: config.assignment_rule,
        rules: Rules::default(),
        few_deals: FewDeals::default(),
        notebook: context.notebook.clone(),
        schemas: Schemas::default(),
        organisation: tokio::sync::OnceCell::new(),
        stages: Mutex::new(None),
        unqueried: Mutex::new(Vec::new()),
        sheet: tokio::sync::Mutex::new(None),
        seen: Seen::default(),
        jobs: Jobs::default(),
    };
    Ok(Zoho { api, capability: capability() })
}

fn parse(key: &str, url: &str) -> Result<Origin, Error> {
    Origin::parse(url).map_err(|error| {
        Error::new(ErrorKind::Config, "connect to Zoho", format!("{key} {error}"))
            .with_fix("name the account's data centre (data_center = \"eu\"), or write both addresses out")
    })
}

/// Scheme, host and port of a token URL.
fn root_of(token: &Origin) -> String {
    token.url().origin().ascii_serialization()
}

/// Zoho bounds what is in flight and what a day costs: the one bucket only spaces what comes after a refusal, from two
/// seconds on.
fn throttle(limits: &Limits) -> ThrottleSpec {
    ThrottleSpec {
        buckets: vec![Bucket { name: "calls", limit: 1_000_000, window: Duration::from_secs(20) }],
        daily: "API credits",
        max_in_flight: limits.max_in_flight,
        longest_wait: limits.longest_wait,
    }
}

/// A refusal for too many calls at once passes within minutes.
fn patience() -> RetryPolicy {
    RetryPolicy { attempts: 6, total: Duration::from_secs(600), ..RetryPolicy::default() }
}

fn capability() -> Capability {
    let people = [Object::Contact, Object::Lead];
    let pulled = [Object::Contact, Object::Lead, Object::Company, Object::Deal];
    let noted = pulled.iter().filter(|object| can_have_notes(object)).cloned();
    Capability {
        vendor: VENDOR,
        objects: pulled.iter().cloned().chain([Object::User, Object::Activity]).collect(),
        push_batch: PUSH_BATCH,
        read_batch: MOST_IDS,
        creates: people.clone().map(|object| ExternalKey { object, field: EXTERNAL_KEY.into() }).to_vec(),
        deletions: pulled.iter().cloned().chain([Object::Activity]).collect(),
        associations: vec![Object::Deal],
        tells_company: vec![Object::Contact],
        owners: [Object::Contact, Object::Lead, Object::Company, Object::Deal]
            .map(|object| OwnerField { object, field: "Owner".into() })
            .to_vec(),
        notes: noted.clone().map(|object| NoteKind { object, html: false, longest: LONGEST_NOTE }).collect(),
        tasks: noted.collect(),
        lists: crate::push::tags::kinds(),
        leads: Vec::new(),
        erases: people.to_vec(),
        creates_fields: true,
        // Lists and queries read what was written; only the search lags, and it is not used.
        visibility_lag: Duration::ZERO,
    }
}
