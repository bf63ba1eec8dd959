//! The registry: one line per connector crate. The only file that may name them.

use std::path::Path;
use std::sync::Arc;

use connector::{Connector, Context, Creation, ErrorKind, LastName, Result};
use secrecy::ExposeSecret;

use crate::config::vendor::{
    DynamicsCredential, DynamicsSettings, HubspotAuth, HubspotSettings, SalesforceFlow, SalesforceSettings,
    VendorSettings, ZohoPlace, ZohoSettings,
};
use crate::config::{ClientId, ConnectionSettings};

/// The connector of a connection.
pub fn connect(settings: &ConnectionSettings, context: Context) -> Result<Arc<dyn Connector>> {
    let creation = creation(settings);
    match &settings.vendor {
        // HubSpot makes contacts without a name.
        VendorSettings::Hubspot(settings) => {
            let config = hubspot_config(settings, &context)?;
            Ok(Arc::new(connector_hubspot::connect(config, context)?))
        }
        VendorSettings::Salesforce(settings) => {
            let config = connector_salesforce::Config { creation, ..salesforce_config(settings, &context)? };
            Ok(Arc::new(connector_salesforce::connect(config, context)?))
        }
        VendorSettings::Dynamics(settings) => {
            let config = connector_dynamics::Config { creation, ..dynamics_config(settings, &context)? };
            Ok(Arc::new(connector_dynamics::connect(config, context)?))
        }
        VendorSettings::Zoho(settings) => {
            let config = connector_zoho::Config { creation, ..zoho_config(settings, &context)? };
            Ok(Arc::new(connector_zoho::connect(config, context)?))
        }
    }
}

/// What new people get at a CRM that insists on it (`[crm.create] missing_last_name`).
fn creation(settings: &ConnectionSettings) -> Creation {
    let last_name = match &settings.missing_last_name {
        Some(text) => LastName::Text(text.as_str().into()),
        None => LastName::EmailLocal,
    };
    Creation { last_name, ..Creation::default() }
}

fn hubspot_config(settings: &HubspotSettings, context: &Context) -> Result<connector_hubspot::Config> {
    use connector_hubspot::{ApiVersion, Auth, Config};
    let auth = match &settings.auth {
        HubspotAuth::Token(token) => Auth::Token(token.clone()),
        HubspotAuth::Refresh { client_id, client_secret, refresh_token, token_url } => Auth::OAuth {
            client_id: public(client_id, context)?,
            client_secret: client_secret.clone(),
            refresh_token: refresh_token.clone(),
            token_url: token_url.clone(),
        },
    };
    let api_version = match settings.api_version {
        "2026-03" => ApiVersion::V2026_03,
        "v3" => ApiVersion::V3,
        _ => ApiVersion::V2026_09,
    };
    Ok(Config { base_url: settings.base_url.clone(), api_version, ..Config::new(auth) })
}

fn salesforce_config(settings: &SalesforceSettings, context: &Context) -> Result<connector_salesforce::Config> {
    use connector_salesforce::{Config, Flow, Limits};
    let flow = match settings.flow.clone() {
        SalesforceFlow::ClientCredentials { client_id, client_secret } => {
            Flow::ClientCredentials { client_id: public(&client_id, context)?, client_secret }
        }
        SalesforceFlow::Jwt { client_id, username, private_key, audience } => {
            Flow::Jwt { client_id: public(&client_id, context)?, username, private_key, audience }
        }
        SalesforceFlow::RefreshToken { client_id, client_secret, refresh_token } => {
            Flow::Refresh { client_id: public(&client_id, context)?, client_secret, refresh_token }
        }
    };
    let limits = Limits {
        bulk_query_above: settings.bulk_pull_above,
        bulk_ingest_above: usize::try_from(settings.bulk_push_above).unwrap_or(usize::MAX),
        overlap: settings.overlap,
        lag: settings.lag,
        ..Limits::default()
    };
    Ok(Config {
        login_url: settings.login_url.clone(),
        base_url: settings.base_url.clone(),
        api_version: settings.api_version.clone(),
        limits,
        ..Config::new(flow)
    })
}

fn dynamics_config(settings: &DynamicsSettings, context: &Context) -> Result<connector_dynamics::Config> {
    use connector_dynamics::{Config, Credential, Limits, WriteMode};
    let credential = match settings.credential.clone() {
        DynamicsCredential::Secret(secret) => Credential::Secret(secret),
        DynamicsCredential::Certificate { certificate, private_key } => {
            Credential::Certificate { certificate, private_key }
        }
    };
    let write_mode = match settings.write_mode {
        "bulk" => WriteMode::Bulk,
        "batch" => WriteMode::Batch,
        "single" => WriteMode::Single,
        _ => WriteMode::Auto,
    };
    let ca = settings.ca_file.as_deref().map(|file| certificates(file, context)).transpose()?;
    let client_id = public(&settings.client_id, context)?;
    let config = Config::new(settings.base_url.clone(), settings.token_url.clone(), client_id, credential);
    Ok(Config {
        ca,
        publisher_prefix: settings.publisher_prefix.clone(),
        write_mode,
        change_tracking: settings.change_tracking,
        suppress_duplicate_detection: !settings.duplicate_detection,
        limits: Limits { overlap: settings.overlap, ..Limits::default() },
        ..config
    })
}

/// Certificates are no secret: whoever may read the file may read it.
fn certificates(file: &Path, context: &Context) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| {
        let attempted = format!("connect {}", context.connection);
        let cause = format!("ca_file \"{}\" cannot be read: {error}", file.display());
        connector::Error::new(ErrorKind::Config, attempted, cause)
            .with_fix("name a file that holds the certificate as PEM")
    })
}

fn zoho_config(settings: &ZohoSettings, context: &Context) -> Result<connector_zoho::Config> {
    use connector_zoho::{Config, DataCentre, Limits};
    let (token_url, base_url) = match &settings.place {
        ZohoPlace::Hosts { token_url, base_url } => (token_url.clone(), Some(base_url.clone())),
        ZohoPlace::DataCentre { name, base_url } => {
            let centre = DataCentre::named(name).ok_or_else(|| {
                let attempted = format!("connect {}", context.connection);
                connector::Error::new(ErrorKind::Config, attempted, format!("no data centre is called {name}"))
            })?;
            (centre.token_url(), base_url.clone())
        }
    };
    let client_id = public(&settings.client_id, context)?;
    let (client_secret, refresh_token) = (settings.client_secret.clone(), settings.refresh_token.clone());
    let limits = Limits {
        bulk_read_above: settings.bulk_pull_above,
        bulk_write_above: usize::try_from(settings.bulk_push_above).unwrap_or(usize::MAX),
        lost_job: settings.bulk_lost_wait,
        contact_roles_up_to: settings.contact_roles_up_to,
        overlap: settings.overlap,
        ..Limits::default()
    };
    Ok(Config {
        upload_url: settings.upload_url.clone(),
        download_url: settings.download_url.clone(),
        trigger: settings.trigger.clone(),
        assignment_rule: settings.assignment_rule.clone(),
        limits,
        ..Config::with_hosts(token_url, base_url, client_id, client_secret, refresh_token)
    })
}

fn public(id: &ClientId, context: &Context) -> Result<String> {
    let reference = match id {
        ClientId::Written(id) => return Ok(id.clone()),
        ClientId::Kept(reference) => reference,
    };
    match context.environment.read(reference) {
        Ok(value) => Ok(value.expose_secret().to_owned()),
        Err(error) => {
            let attempted = format!("connect {}", context.connection);
            Err(connector::Error::new(ErrorKind::Config, attempted, error.message).with_fix(error.help))
        }
    }
}
