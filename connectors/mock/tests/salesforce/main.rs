//! The Salesforce mock over real HTTP: one module per part of the vendor's behaviour.
// The lint's own exception for tests does not reach functions that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../desk/mod.rs"]
mod desk;
#[path = "../exports/mod.rs"]
mod exports;
mod jobs;
mod org;

mod bulk_ingest;
mod bulk_query;
mod collections;
mod composite;
mod conversions;
mod describe;
mod duplicates;
mod fault_plan;
mod faults;
mod hostile;
mod leads;
mod limits;
mod locks;
mod merges;
mod pages;
mod population;
mod query_pages;
mod records;
mod relations;
mod rep;
mod replication;
mod seeds;
mod sign_in;
mod soap_login;
mod soql_groups;
mod soql_order;
mod soql_roads;
mod soql_rows;
mod soql_where;
mod tooling;
mod upserts;
mod values;
mod workflows;
