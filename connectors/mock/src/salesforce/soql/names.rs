//! Looking names up: objects, fields and relationships, as the integration user sees them. What field-level security
//! hides does not exist.

use super::ast::Path;
use super::mistake::Mistake;
use super::plan::{Leaf, Step, Way};
use super::view::View;
use crate::salesforce::kind::Kind;
use crate::salesforce::schema::{Field, FieldType};

/// References followed in one path.
const MAX_STEPS: usize = 5;

/// What polymorphic references (`Who`, `What`, a lead's `Owner`) show of whatever they lead to.
const NAME_FIELDS: [&str; 10] =
    ["Id", "Name", "FirstName", "LastName", "Email", "Phone", "Title", "Username", "Alias", "IsActive"];

/// One FROM: the object, what the query calls it, and the text to point into.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub view: View<'a>,
    pub source: &'a str,
    pub kind: Kind,
    pub alias: Option<&'a str>,
}

impl<'a> Scope<'a> {
    pub fn object(source: &str, path: &Path) -> Result<Kind, Mistake> {
        let name = path.to_string();
        Kind::parse(&name).ok_or_else(|| {
            Mistake::at("INVALID_TYPE", source, path.at.0, &format!("sObject type '{name}' is not supported."))
        })
    }

    pub fn mistake(&self, code: &'static str, at: usize, reason: &str) -> Mistake {
        Mistake::at(code, self.source, at, reason)
    }

    /// The way a path describes.
    ///
    /// # Errors
    /// `INVALID_FIELD` for what is unknown, hidden or too far away.
    pub fn way(&self, path: &Path) -> Result<Way, Mistake> {
        let at = path.at.0;
        let (mut relations, leaf) = match path.parts.split_last() {
            Some((leaf, relations)) => (relations, leaf.as_str()),
            None => return Err(self.mistake("MALFORMED_QUERY", at, "unexpected token: '.'")),
        };
        if let Some((first, rest)) = relations.split_first()
            && self.is_own_name(first)
        {
            relations = rest;
        }
        if relations.len() > MAX_STEPS {
            let reason = format!("a relationship path may have at most {MAX_STEPS} levels");
            return Err(self.mistake("INVALID_FIELD", at, &reason));
        }
        let mut steps: Vec<Step> = Vec::new();
        let mut targets = vec![self.kind];
        for name in relations {
            let from = self.only(&targets, name, at)?;
            let schema = self.view.schema(from);
            let Some((field, definition)) = schema.relationship(name) else {
                return Err(self.unknown_relationship(name, at));
            };
            targets = definition.reference_to.clone();
            let name = definition.relationship.clone().unwrap_or_default();
            steps.push(Step { field, name, polymorphic: targets.len() > 1 });
        }
        let mut way = match targets.as_slice() {
            [kind] => self.plain_leaf(*kind, leaf, at)?,
            several => self.shared_leaf(several, leaf, at)?,
        };
        let names = steps.iter().map(|step| step.name.as_str()).chain([way.name.as_str()]);
        way.name = names.collect::<Vec<_>>().join(".");
        way.steps = steps;
        Ok(way)
    }

    /// A relationship of that name comes before the object's own name and before an alias.
    fn is_own_name(&self, name: &str) -> bool {
        let alias = self.alias.is_some_and(|alias| alias.eq_ignore_ascii_case(name));
        let own = self.kind.name().eq_ignore_ascii_case(name);
        alias || (own && self.view.schema(self.kind).relationship(name).is_none())
    }

    fn only(&self, targets: &[Kind], next: &str, at: usize) -> Result<Kind, Mistake> {
        match targets {
            [kind] => Ok(*kind),
            // What a polymorphic reference leads to shows its name, and no way on.
            _ => Err(self.unknown_relationship(next, at)),
        }
    }

    fn unknown_relationship(&self, name: &str, at: usize) -> Mistake {
        let reason = format!(
            "Didn't understand relationship '{name}' in field path. If you are attempting to use a custom \
             relationship, be sure to append the '__r' after the custom relationship name."
        );
        self.mistake("INVALID_FIELD", at, &reason)
    }

    pub fn unknown_field(&self, name: &str, on: &str, at: usize) -> Mistake {
        let reason = format!(
            "No such column '{name}' on entity '{on}'. If you are attempting to use a custom field, be sure to \
             append the '__c' after the custom field name."
        );
        self.mistake("INVALID_FIELD", at, &reason)
    }

    fn plain_leaf(&self, kind: Kind, name: &str, at: usize) -> Result<Way, Mistake> {
        let Some((field, definition)) = self.view.schema(kind).visible(name) else {
            return Err(self.unknown_field(name, kind.name(), at));
        };
        Ok(leaf_way(Leaf::Field(field), definition, at))
    }

    fn shared_leaf(&self, kinds: &[Kind], name: &str, at: usize) -> Result<Way, Mistake> {
        if name.eq_ignore_ascii_case("Type") {
            let (ty, name) = (FieldType::Text, "Type".to_owned());
            return Ok(Way {
                steps: Vec::new(),
                leaf: Leaf::TypeName,
                ty,
                case_sensitive: false,
                filterable: true,
                name,
                at,
            });
        }
        let shown = NAME_FIELDS.iter().any(|each| each.eq_ignore_ascii_case(name));
        let found = kinds.iter().filter_map(|kind| Some((*kind, self.view.schema(*kind).visible(name)?)));
        let found: Vec<_> = found.filter(|_| shown).collect();
        let Some((_, (_, definition))) = found.first() else {
            return Err(self.unknown_field(name, "Name", at));
        };
        let each = found.iter().map(|(kind, (field, _))| (*kind, *field)).collect();
        Ok(leaf_way(Leaf::Either(each), definition, at))
    }
}

pub fn leaf_way(leaf: Leaf, definition: &Field, at: usize) -> Way {
    Way {
        steps: Vec::new(),
        leaf,
        ty: definition.ty,
        case_sensitive: definition.case_sensitive,
        filterable: !is_long(definition) && definition.ty != FieldType::Address,
        name: definition.name.to_string(),
        at,
    }
}

/// A long text: it can be read, and no more.
fn is_long(definition: &Field) -> bool {
    definition.ty == FieldType::TextArea && definition.length > 255
}
