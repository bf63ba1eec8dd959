//! Signing in over SOAP, as old clients do.

use reqwest::Method;

use crate::org::{Org, read};

fn login(username: &str, password: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <env:Body><n1:login xmlns:n1=\"urn:partner.soap.sforce.com\"><n1:username>{username}</n1:username>\
         <n1:password>{password}</n1:password></n1:login></env:Body></env:Envelope>"
    )
}

async fn call(org: &Org, version: &str, body: String) -> (u16, String) {
    let call = org.request(Method::POST, &format!("/services/Soap/u/{version}")).header("content-type", "text/xml");
    let answer = call.header("SOAPAction", "login").body(body).send().await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/xml"));
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    xml.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once("</")).unwrap().0
}

#[tokio::test]
async fn a_session_by_password_and_token_is_as_good_as_any() {
    let mut org = Org::with(1).await;
    let (status, xml) = call(&org, "59.0", login("sync@acme.example", "mock-passwordSecurityToken")).await;
    assert_eq!(status, 200, "{xml}");
    let server = format!("{}/services/Soap/u/59.0/00Dxx0000001gPL", org.mock.url());
    assert_eq!(element(&xml, "serverUrl"), server);
    assert_eq!(element(&xml, "organizationId"), "00Dxx0000001gPLEAY");
    org.token = element(&xml, "sessionId").to_owned();
    assert_eq!(org.get("limits").await.0, 200);
    let logout = format!(
        "<e:Envelope><e:Header><s:SessionHeader><s:sessionId>{}</s:sessionId></s:SessionHeader></e:Header><e:Body>\
         <logout/></e:Body></e:Envelope>",
        org.token
    );
    assert_eq!(call(&org, "59.0", logout).await.0, 200);
    assert_eq!(org.get("limits").await.0, 401);
}

#[tokio::test]
async fn a_wrong_password_and_a_version_without_login_are_faults() {
    let org = Org::with(1).await;
    let (status, xml) = call(&org, "59.0", login("sync@acme.example", "guess")).await;
    assert_eq!((status, element(&xml, "sf:exceptionCode")), (500, "INVALID_LOGIN"));
    for version in ["67.0", "65.0", "30.0", "x"] {
        let (status, xml) = call(&org, version, login("sync@acme.example", "mock-password")).await;
        assert_eq!((status, element(&xml, "sf:exceptionCode")), (500, "UNSUPPORTED_API_VERSION"), "{version}");
    }
    assert_eq!(call(&org, "59.0", "<convertLead/>".to_owned()).await.0, 500);
    let (status, _) = read(org.request(Method::GET, "/services/Soap/u/59.0").send().await.unwrap()).await;
    assert_eq!(status, 404);
}
