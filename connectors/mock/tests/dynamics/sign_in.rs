//! Tokens by secret and by certificate, who is a member, and what a bad token is told.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::org::{DATA, Org, code, read};

fn form<'a>(scope: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", "mock-client"),
        ("client_secret", "mock-secret"),
        ("scope", scope),
    ];
    for (name, value) in more {
        form.retain(|(each, _)| each != name);
        form.push((*name, *value));
    }
    form
}

#[tokio::test]
async fn a_wrong_request_for_a_token_is_told_why() {
    let org = Org::with(1).await;
    let scope = format!("{}/.default", org.mock.url());
    let (status, body) = org.token(&form(&scope, &[("client_info", "1")])).await;
    assert_eq!(
        (status.as_u16(), body["token_type"].as_str(), body["expires_in"].as_i64()),
        (200, Some("Bearer"), Some(3599))
    );
    let twice = scope.replace("/.default", "//.default");
    for (scope, more, status, error, number) in [
        (scope.as_str(), ("client_secret", "wrong"), 401, "invalid_client", 7_000_215),
        (&scope, ("client_id", "nobody"), 400, "unauthorized_client", 700_016),
        (&scope, ("grant_type", "password"), 400, "unsupported_grant_type", 70_003),
        ("https://other.example/.default", ("x", ""), 400, "invalid_resource", 500_011),
        (&twice, ("x", ""), 400, "invalid_resource", 500_011),
        ("user.read", ("x", ""), 400, "invalid_scope", 70_011),
    ] {
        let (answered, body) = org.token(&form(scope, &[more])).await;
        assert_eq!(
            (answered.as_u16(), &body["error"], &body["error_codes"]),
            (status, &json!(error), &json!([number]))
        );
        assert!(body["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{number}: ")), "{body}");
    }
    org.config(json!({ "secret_expired": true })).await;
    assert_eq!(org.token(&form(&scope, &[])).await.1["error_codes"], json!([7_000_222]));
    org.config(json!({ "secret_expired": false, "tenants": ["mine"] })).await;
    assert_eq!(org.token(&form(&scope, &[])).await.1["error_codes"], json!([90_002]));
}

#[tokio::test]
async fn a_certificate_signs_in_once_per_assertion() {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = STANDARD.encode(key.public_key().as_der().unwrap().as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n");
    let org = Org::knobs(1, json!({ "public_key": pem })).await;
    let scope = format!("{}/.default", org.mock.url());
    let now = chrono::DateTime::parse_from_rfc3339("2026-11-26T00:00:00Z").unwrap();
    org.config(json!({ "frozen_at": "2026-11-26T00:00:00Z" })).await;
    let assertion = |changes: Value| {
        let mut claims = json!({ "aud": format!("{}/any-tenant/oauth2/v2.0/token", org.mock.url()), "iss": "mock-client",
            "sub": "mock-client", "jti": "one", "nbf": now.timestamp(), "exp": now.timestamp() + 300 });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let header = json!({ "alg": "RS256", "typ": "JWT", "x5t": "abc" });
        let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let ask = async |jwt: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "mock-client"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", jwt),
            ("scope", &scope),
        ];
        org.token(&form).await.0.as_u16()
    };
    let good = assertion(json!({}));
    assert_eq!(ask(&good).await, 200);
    assert_eq!(ask(&good).await, 401, "used before");
    for wrong in [
        json!({ "jti": "2", "aud": "https://elsewhere.example" }),
        json!({ "jti": "3", "sub": "other" }),
        json!({ "jti": "4", "exp": now.timestamp() + 3_600 }),
        json!({ "jti": "5", "exp": now.timestamp() - 1 }),
        json!({ "jti": "" }),
    ] {
        assert_eq!(ask(&assertion(wrong.clone())).await, 401, "{wrong}");
    }
    let other = assertion(json!({ "jti": "6" })).replace("eyJ", "eyK");
    assert_eq!(ask(&other).await, 401, "the signature does not fit");
}

#[tokio::test]
async fn who_am_i_answers_members_only() {
    let org = Org::with(1).await;
    for path in ["WhoAmI", "WhoAmI()"] {
        let (status, body) = org.get(path).await;
        assert_eq!(status, 200);
        assert!(body["@odata.context"].as_str().unwrap().ends_with("#Microsoft.Dynamics.CRM.WhoAmIResponse"));
        let user = org.read("systemusers", body["UserId"].as_str().unwrap()).await;
        assert_eq!(user["internalemailaddress"], "sync@acme.example");
    }
    let answer = org.request(Method::GET, &format!("{DATA}/WhoAmI")).bearer_auth("foreign").send().await.unwrap();
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap()), (401, String::new()));
    assert!(challenge.starts_with(&format!("Bearer authorization_uri={}/", org.mock.url())), "{challenge}");
    assert!(challenge.ends_with(&format!(", resource_id={}/", org.mock.url())));
    org.config(json!({ "application_user": false })).await;
    let (status, body) = org.get("WhoAmI").await;
    assert_eq!((status.as_u16(), code(&body)), (403, "0x80072560"));
    org.config(json!({ "application_user": true, "denied": [{ "table": "contact", "privilege": "write" }] })).await;
    let (status, body) = org.change(&format!("contacts({})", crate::org::id('c', 0)), json!({ "jobtitle": "x" })).await;
    assert_eq!((status.as_u16(), code(&body)), (403, "0x80040220"));
    org.rep("expire-tokens", json!({})).await;
    assert_eq!(org.get("WhoAmI").await.0, 401);
}

#[tokio::test]
async fn libraries_find_the_token_endpoint() {
    let org = Org::with(1).await;
    let path = "/tenant/v2.0/.well-known/openid-configuration";
    let (_, body) = read(org.request(Method::GET, path).send().await.unwrap()).await;
    assert_eq!(body["token_endpoint"], format!("{}/tenant/oauth2/v2.0/token", org.mock.url()));
    let (_, body) = read(org.request(Method::GET, "/common/discovery/instance").send().await.unwrap()).await;
    assert_eq!(body["metadata"][0]["preferred_network"], org.mock.url().replace("http://", ""));
}
