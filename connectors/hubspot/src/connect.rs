//! From configuration to a connection. Nothing is sent here.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector::{Capability, Context, Error, ErrorKind, ExternalKey, NoteKind, Object, OwnerField};
use connector_http::{
    Bucket, Client, ClientSpec, Origin, RefreshGrant, RetryPolicy, StaticToken, ThrottleSpec, TokenEndpoint,
    TokenSource, Transport,
};

use crate::api::{Api, BATCH};
use crate::config::{Auth, Config, Limits};
use crate::dialect::HubSpotDialect;
use crate::erase;
use crate::paths::Paths;
use crate::push::LONGEST_TEXT;
use crate::{EXTERNAL_KEY, HubSpot, VENDOR};
use crate::{beside, lists};

/// Makes the connector of one HubSpot account. An error is about the configuration.
pub fn connect(config: Config, context: Context) -> Result<HubSpot, Error> {
    let origin = parse("base_url", &config.base_url)?;
    let transport = Transport::new(&origin, config.timeouts, config.limits.max_body)?;
    let tokens = tokens(&config, &origin, &context)?;
    let spec = ClientSpec {
        origin,
        transport,
        tokens,
        throttle: throttle(&config.limits),
        retry: RetryPolicy::default(),
        dialect: Arc::new(HubSpotDialect { follow_headers: config.limits.follow_headers }),
    };
    let api = Api {
        client: Client::new(spec, &context),
        clock: context.clock.clone(),
        paths: Paths(config.api_version),
        limits: config.limits,
        portal: tokio::sync::OnceCell::new(),
        stages: Mutex::new(None),
        no_lines: AtomicBool::new(false),
        groups: tokio::sync::Mutex::new(Vec::new()),
    };
    Ok(HubSpot { api, capability: capability(&config.limits) })
}

fn parse(key: &str, url: &str) -> Result<Origin, Error> {
    Origin::parse(url).map_err(|error| {
        Error::new(ErrorKind::Config, "connect to HubSpot", format!("{key} {error}"))
            .with_fix(format!("leave {key} out to use HubSpot's own address"))
    })
}

fn tokens(config: &Config, origin: &Origin, context: &Context) -> Result<Arc<dyn TokenSource>, Error> {
    let environment = context.environment.clone();
    Ok(match &config.auth {
        Auth::Token(secret) => Arc::new(StaticToken { secret: secret.clone(), environment }),
        Auth::OAuth { client_id, client_secret, refresh_token, token_url } => {
            let token_url = match token_url {
                Some(url) => parse("token_url", url)?,
                None => parse("base_url", &format!("{origin}{}", Paths::token()))?,
            };
            // A token answer is small, whatever the CRM's pages are.
            let transport = Transport::new(&token_url, config.timeouts, 1 << 20)?;
            let endpoint = TokenEndpoint::new(token_url, transport, context.clock.clone(), context.entropy.clone());
            Arc::new(RefreshGrant::new(
                endpoint,
                client_id.clone(),
                client_secret.clone(),
                refresh_token.clone(),
                environment,
            ))
        }
    })
}

/// In the order of `dialect::SEARCH` and `dialect::BURST`.
fn throttle(limits: &Limits) -> ThrottleSpec {
    ThrottleSpec {
        buckets: vec![
            Bucket { name: "search", limit: limits.search_per_second, window: Duration::from_secs(1) },
            Bucket { name: "burst", limit: limits.burst, window: limits.burst_window },
        ],
        daily: "daily",
        max_in_flight: limits.max_in_flight,
        longest_wait: limits.longest_wait,
    }
}

fn capability(limits: &Limits) -> Capability {
    let objects = [Object::Contact, Object::Company, Object::Deal];
    Capability {
        vendor: VENDOR,
        objects: objects.iter().cloned().chain([Object::User, Object::Activity]).collect(),
        push_batch: BATCH,
        read_batch: BATCH,
        creates: vec![ExternalKey { object: Object::Contact, field: EXTERNAL_KEY.into() }],
        deletions: objects.iter().cloned().chain([Object::Activity]).collect(),
        associations: vec![Object::Deal],
        tells_company: vec![Object::Contact],
        owners: [Object::Contact, Object::Company]
            .map(|object| OwnerField { object, field: "hubspot_owner_id".into() })
            .to_vec(),
        notes: beside::objects()
            .into_iter()
            .map(|object| NoteKind { object, html: true, longest: LONGEST_TEXT })
            .collect(),
        tasks: beside::objects(),
        lists: lists::kinds(),
        leads: vec![Object::Contact],
        erases: erase::objects(),
        creates_fields: true,
        visibility_lag: limits.visibility_lag,
    }
}
