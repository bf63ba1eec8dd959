//! `GET $metadata`: the model as generic clients read it.

use std::fmt::Write as _;

use crate::dynamics::ask::Ask;
use crate::dynamics::collections;
use crate::dynamics::kind::Kind;
use crate::dynamics::org::Org;
use crate::exchange::Reply;

const XML: &str = "application/xml";

pub fn csdl(org: &Org, ask: &Ask<'_>) -> Reply {
    let annotated = ask.option("annotations") == Some("true");
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><edmx:Edmx Version=\"4.0\" \
         xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\"><edmx:DataServices><Schema \
         Namespace=\"Microsoft.Dynamics.CRM\" Alias=\"mscrm\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">\
         <EntityType Name=\"crmbaseentity\" Abstract=\"true\" />",
    );
    for kind in Kind::ALL {
        entity(&mut out, org, kind);
    }
    out.push_str(
        "<ComplexType Name=\"WhoAmIResponse\"><Property Name=\"BusinessUnitId\" Type=\"Edm.Guid\" Nullable=\"false\" />\
         <Property Name=\"UserId\" Type=\"Edm.Guid\" Nullable=\"false\" /><Property Name=\"OrganizationId\" Type=\"Edm.Guid\" \
         Nullable=\"false\" /></ComplexType><Function Name=\"WhoAmI\"><ReturnType Type=\"mscrm.WhoAmIResponse\" \
         Nullable=\"false\" /></Function><EntityContainer Name=\"System\">",
    );
    for kind in Kind::ALL {
        container(&mut out, org, kind, annotated);
    }
    out.push_str(
        "<FunctionImport Name=\"WhoAmI\" Function=\"mscrm.WhoAmI\" /></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>",
    );
    Reply { content_type: XML, body: out.into_bytes(), ..Reply::empty(200) }
}

fn entity(out: &mut String, org: &Org, kind: Kind) {
    let names = kind.names();
    let schema = org.schema(kind);
    let _ = write!(
        out,
        "<EntityType Name=\"{}\" BaseType=\"mscrm.crmbaseentity\"><Key><PropertyRef Name=\"{}\" /></Key>",
        names.logical, names.id
    );
    for (_, column) in schema.columns().filter(|(_, column)| column.is_shown()) {
        let _ = write!(out, "<Property Name=\"{}\" Type=\"{}\" />", column.property(), column.ty.edm());
    }
    for (_, column) in schema.columns() {
        for nav in &column.navs {
            let _ = write!(
                out,
                "<NavigationProperty Name=\"{}\" Type=\"mscrm.{}\" Nullable=\"false\"><ReferentialConstraint Property=\"{}\" \
                 ReferencedProperty=\"{}\" /></NavigationProperty>",
                nav.name,
                nav.target.logical(),
                column.property(),
                nav.target.names().id
            );
        }
    }
    for link in collections::ALL.iter().filter(|link| link.parent == kind) {
        let child = link.child.logical();
        let _ = write!(out, "<NavigationProperty Name=\"{}\" Type=\"Collection(mscrm.{child})\" />", link.nav);
    }
    out.push_str("</EntityType>");
}

fn container(out: &mut String, org: &Org, kind: Kind, annotated: bool) {
    let names = kind.names();
    let _ = write!(out, "<EntitySet Name=\"{}\" EntityType=\"Microsoft.Dynamics.CRM.{}\">", names.set, names.logical);
    for (_, column) in org.schema(kind).columns() {
        for nav in &column.navs {
            let _ = write!(out, "<NavigationPropertyBinding Path=\"{}\" Target=\"{}\" />", nav.name, nav.target.set());
        }
    }
    if annotated && org.schema(kind).tracked {
        out.push_str(
            "<Annotation Term=\"Org.OData.Capabilities.V1.ChangeTracking\"><Record><PropertyValue Property=\"Supported\" \
             Bool=\"true\" /></Record></Annotation>",
        );
    }
    out.push_str("</EntitySet>");
}
