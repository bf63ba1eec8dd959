//! The registry: one line per connector crate. The only file that may name them.

use std::sync::Arc;

use connector::{Connector, Context, ErrorKind, Result};
use connector_hubspot::{ApiVersion, Auth, Config};
use secrecy::ExposeSecret;

use crate::config::{ClientId, ConnectionSettings, HubspotAuth, HubspotSettings, VendorSettings};

/// The connector of a connection.
pub fn connect(settings: &ConnectionSettings, context: Context) -> Result<Arc<dyn Connector>> {
    match &settings.vendor {
        VendorSettings::Hubspot(hubspot) => {
            let config = hubspot_config(hubspot, &context)?;
            Ok(Arc::new(connector_hubspot::connect(config, context)?))
        }
    }
}

fn hubspot_config(settings: &HubspotSettings, context: &Context) -> Result<Config> {
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
