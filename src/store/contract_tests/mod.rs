//! What every engine must do, told through the face alone. An engine runs the suite with [`contract!`].

pub(in crate::store) mod activities;
pub(in crate::store) mod compute;
pub(in crate::store) mod conversions;
pub(in crate::store) mod deaths;
mod engine;
pub(in crate::store) mod events;
mod kit;
pub(in crate::store) mod leases;
pub(in crate::store) mod merges;
pub(in crate::store) mod notes;
pub(in crate::store) mod order;
pub(in crate::store) mod pages;
pub(in crate::store) mod places;
pub(in crate::store) mod reading;
pub(in crate::store) mod settling;
pub(in crate::store) mod side;
pub(in crate::store) mod sources;
pub(in crate::store) mod staging;
mod wishes;

pub(in crate::store) use engine::Engine;

/// Makes one test per sentence of the contract, each on a fresh store of the engine that `$make` builds.
macro_rules! contract {
    ($make:path; $($group:ident: $($name:ident),+ $(,)?);+ $(;)?) => {
        $(mod $group {
            $(#[tokio::test]
            async fn $name() {
                $crate::store::contract_tests::$group::$name(&$make()).await;
            })+
        })+
    };
}

pub(in crate::store) use contract;
