//! From configuration to a connection. Nothing is sent here.

use std::sync::Arc;
use std::time::Duration;

use connector::{Capability, Context, Error, ErrorKind, ExternalKey, Object, OwnerField};
use connector_http::{Bucket, Client, ClientSpec, Origin, RetryPolicy, ThrottleSpec, TokenEndpoint, Transport};

use crate::api::Api;
use crate::auth::{Grant, Hosts};
use crate::config::{Config, Limits};
use crate::dialect::SalesforceDialect;
use crate::ingest::Jobs;
use crate::paths::Paths;
use crate::schema::Schemas;
use crate::{EXTERNAL_KEY, Salesforce, VENDOR};

/// Most writes of one push: what one bulk job takes comfortably. Smaller ones go out in smaller calls.
const PUSH_BATCH: usize = 25_000;
/// Most records one retrieval names.
pub(crate) const READ_BATCH: usize = 2_000;
/// Most rows Salesforce gives in one page.
pub(crate) const LONGEST_PAGE: usize = 2_000;

/// Makes the connector of one Salesforce organisation. An error is about the configuration.
pub fn connect(mut config: Config, context: Context) -> Result<Salesforce, Error> {
    config.limits.page = config.limits.page.clamp(1, LONGEST_PAGE);
    let login = parse("login_url", &config.login_url)?;
    let base = config.base_url.as_deref().map(|url| parse("base_url", url)).transpose()?;
    let paths = Paths::new(&config.api_version)?;
    let token_url = parse("login_url", &format!("{login}{}", Paths::token()))?;
    // A token answer is small, whatever the pages are.
    let token_transport = Transport::new(&token_url, config.timeouts, 1 << 20)?;
    let endpoint = TokenEndpoint::new(token_url, token_transport, context.clock.clone(), context.entropy.clone());
    let origin = base.clone().unwrap_or_else(|| login.clone());
    let transport = Transport::new(&origin, config.timeouts, config.limits.max_body)?;
    let spec = ClientSpec {
        origin,
        transport,
        tokens: Arc::new(Grant::new(endpoint, config.flow, Hosts { login, base }, &context)),
        throttle: throttle(&config.limits),
        retry: RetryPolicy::default(),
        dialect: Arc::new(SalesforceDialect),
    };
    let api = Api {
        client: Client::new(spec, &context),
        clock: context.clock.clone(),
        entropy: context.entropy.clone(),
        schemas: Schemas::default(),
        currency: tokio::sync::OnceCell::new(),
        paths,
        limits: config.limits,
        creation: config.creation,
        notebook: context.notebook.clone(),
        jobs: Jobs::default(),
        schema: tokio::sync::Mutex::new(()),
    };
    Ok(Salesforce { api, capability: capability(&config.limits) })
}

fn parse(key: &str, url: &str) -> Result<Origin, Error> {
    Origin::parse(url).map_err(|error| {
        Error::new(ErrorKind::Config, "connect to Salesforce", format!("{key} {error}"))
            .with_fix("use the organisation's own address, e.g. https://acme.my.salesforce.com")
    })
}

/// Salesforce counts days, not seconds: the one bucket only keeps a runaway in bounds.
fn throttle(limits: &Limits) -> ThrottleSpec {
    ThrottleSpec {
        buckets: vec![Bucket { name: "calls", limit: 1_000_000, window: Duration::from_secs(1) }],
        daily: "daily API requests",
        max_in_flight: limits.max_in_flight,
        longest_wait: limits.longest_wait,
    }
}

fn capability(limits: &Limits) -> Capability {
    let people = [Object::Contact, Object::Lead];
    let pulled = [Object::Contact, Object::Lead, Object::Company, Object::Deal];
    Capability {
        vendor: VENDOR,
        objects: pulled.iter().cloned().chain([Object::User, Object::Activity]).collect(),
        push_batch: PUSH_BATCH,
        read_batch: READ_BATCH,
        creates: people.clone().map(|object| ExternalKey { object, field: EXTERNAL_KEY.into() }).to_vec(),
        deletions: pulled.iter().cloned().chain([Object::Activity]).collect(),
        associations: vec![Object::Deal],
        tells_company: vec![Object::Contact],
        owners: [Object::Contact, Object::Lead, Object::Company]
            .map(|object| OwnerField { object, field: "OwnerId".into() })
            .to_vec(),
        notes: Vec::new(),
        tasks: crate::task::objects(),
        lists: crate::campaigns::kinds(),
        leads: Vec::new(),
        erases: people.to_vec(),
        creates_fields: true,
        visibility_lag: limits.lag,
    }
}
