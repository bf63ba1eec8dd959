//! Deal stages: what is won, lost and open.

use connector::Timestamp;

use super::*;
use crate::rows::Rows;

const PIPELINES: &str = r#"{"results":[{"id":"default","label":"Sales","stages":[
  {"id":"open1","label":"Talking","metadata":{"isClosed":"false","probability":"0.2"}},
  {"id":"closedwon","label":"Renamed to Lost","metadata":{"isClosed":"true","probability":"1.0"}},
  {"id":"closedlost","label":"Won, says the label","metadata":{"isClosed":"true","probability":"0.0"}}]},
 {"id":"77","label":"Partners","stages":[{"id":"123","label":"Signed","metadata":{"probability":1}}]}]}"#;

fn facts(properties: &str) -> DealFacts {
    let stages = Stages::from_json(PIPELINES.as_bytes()).unwrap();
    let wanted = Wanted::new(&Object::Deal, &[], &stages.closed());
    let body = format!(r#"{{"results":[{{"id":"9001","properties":{properties}}}]}}"#);
    let page = Rows::from_json(body.as_bytes(), &wanted).unwrap();
    let portal = Portal { company_currency: Some("EUR".into()), ..Portal::default() };
    stages.facts(&page.rows[0], &wanted, Some(&portal))
}

#[test]
fn won_and_lost_are_decided_by_metadata_not_by_labels() {
    let status = |stage: &str| facts(&format!(r#"{{"pipeline":"default","dealstage":"{stage}"}}"#)).status;
    assert_eq!(status("open1"), DealStatus::Open);
    assert_eq!(status("closedwon"), DealStatus::Won);
    assert_eq!(status("closedlost"), DealStatus::Lost);
    assert_eq!(facts(r#"{"pipeline":"77","dealstage":"123"}"#).status, DealStatus::Won);
    assert_eq!(facts(r#"{"dealstage":"unheard-of","hs_is_closed_won":"true"}"#).status, DealStatus::Won);
    assert_eq!(
        facts(r#"{"dealstage":"unheard-of","hs_is_closed":"true","hs_is_closed_won":"false"}"#).status,
        DealStatus::Lost
    );
}

#[test]
fn a_deal_closed_when_it_entered_its_stage_or_earlier() {
    let deal = facts(
        r#"{"amount":"12000.50","closedate":"2026-10-31T00:00:00Z","dealname":"Acme renewal","dealstage":"closedwon",
            "hs_v2_date_entered_closedwon":"2026-10-30T09:00:00.000Z","hubspot_owner_id":"9","pipeline":"default"}"#,
    );
    assert_eq!(deal.closed_at, Timestamp::parse_rfc3339("2026-10-30T09:00:00Z"));
    assert_eq!(deal.amount, "12000.50".parse().ok());
    assert_eq!(deal.currency.as_deref(), Some("EUR"));
    assert_eq!(deal.stage.as_deref(), Some("Renamed to Lost"));
    assert_eq!(deal.pipeline.as_deref(), Some("Sales"));
    assert_eq!(deal.owner, Some("9".into()));
    let entered_late = facts(
        r#"{"closedate":"2024-03-01","dealstage":"closedwon","hs_v2_date_entered_closedwon":"2026-10-30T09:00:00.000Z",
            "pipeline":"default"}"#,
    );
    assert_eq!(entered_late.closed_at, Timestamp::parse_rfc3339("2024-03-01T00:00:00Z"));
    let open = facts(r#"{"closedate":"2026-10-31T00:00:00Z","dealstage":"open1","pipeline":"default"}"#);
    assert_eq!(open.closed_at, None);
    let fallback = facts(r#"{"closedate":"2026-10-31","dealstage":"closedlost","pipeline":"default"}"#);
    assert_eq!(fallback.closed_at, Timestamp::parse_rfc3339("2026-10-31T00:00:00Z"));
}
