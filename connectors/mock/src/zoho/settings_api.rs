//! Metadata: modules, layouts, pipelines, related lists, and the keys duplicates are told by.

use serde_json::{Value, json};

use super::datum::stamp;
use super::fields_json::field_json;
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::refusal::Refusal;
use super::related_api::related_lists;
use super::render::module_id;
use super::stages::Pipeline;
use crate::crowd::FIRST_STAMP;
use crate::exchange::{Call, Reply};

impl Org {
    /// The module a settings call is about.
    pub fn module_param(&self, call: &Call) -> Result<Kind, Refusal> {
        let name = call.parameter("module").filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Refusal::missing_param("module"))?;
        Kind::parse(&name).ok_or_else(|| {
            let refusal = Refusal::new(400, "INVALID_MODULE", "the module name given seems to be invalid");
            refusal.with("param_name", "module")
        })
    }

    pub fn modules(&self) -> Reply {
        let all: Vec<Value> = Kind::ALL.into_iter().map(|kind| self.module_json(kind)).collect();
        Reply::json(200, &json!({ "modules": all }))
    }

    pub fn module(&self, name: &str) -> Result<Reply, Refusal> {
        let kind = Kind::parse(name).ok_or_else(|| Refusal::invalid_module(2))?;
        Ok(Reply::json(200, &json!({ "modules": [self.module_json(kind)] })))
    }

    fn module_json(&self, kind: Kind) -> Value {
        let mut module = json!({
            "api_name": kind.name(),
            "module_name": kind.name(),
            "id": module_id(kind).to_string(),
            "generated_type": "default",
            "singular_label": kind.singular(),
            "plural_label": kind.name(),
            "actual_singular_label": kind.singular(),
            "actual_plural_label": kind.name(),
            "api_supported": true,
            "creatable": true,
            "editable": true,
            "viewable": true,
            "deletable": true,
            "sequence_number": kind as u64 + 1,
            "web_link": null,
            "parent_module": {},
            "arguments": [],
            "profiles": [{ "name": "Administrator", "id": ids::setting(8, 2).to_string() }],
            "modified_by": null,
            "modified_time": null,
            "convertable": kind == Kind::Leads,
        });
        for can in [
            "quick_create",
            "visible",
            "show_as_tab",
            "isBlueprintSupported",
            "scoring_supported",
            "webform_supported",
            "email_template_support",
            "emailTemplate_support",
            "global_search_supported",
            "presence_sub_menu",
            "triggers_supported",
            "filter_supported",
        ] {
            module[can] = json!(true);
        }
        for cannot in ["feeds_required", "inventory_template_supported", "has_more_profiles"] {
            module[cannot] = json!(false);
        }
        for (key, value) in
            [("access_type", json!("org_based")), ("status", json!("visible")), ("profile_count", json!(1))]
        {
            module[key] = value;
        }
        module
    }

    pub fn layouts(&self, call: &Call) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        Ok(Reply::json(200, &json!({ "layouts": [self.layout_json(kind)] })))
    }

    pub fn layout(&self, call: &Call, id: &str) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        if ids::parse(id) != Some(layout_id(kind)) {
            return Ok(Reply::empty(204));
        }
        Ok(Reply::json(200, &json!({ "layouts": [self.layout_json(kind)] })))
    }

    fn layout_json(&self, kind: Kind) -> Value {
        let fields: Vec<Value> = self
            .schema(kind)
            .all()
            .filter(|(_, field)| field.is_visible())
            .map(|f| field_json(self, kind, f))
            .collect();
        json!({
            "id": layout_id(kind).to_string(),
            "name": "Standard",
            "api_name": "Standard",
            "display_label": "Standard",
            "status": "active",
            "visible": true,
            "mode": "view",
            "generated_type": "default",
            "created_for": null,
            "created_by": null,
            "created_time": null,
            "modified_by": null,
            "modified_time": stamp(FIRST_STAMP, self.knobs.offset_min),
            "has_more_profiles": false,
            "profiles": [{ "default": true, "name": "Administrator", "id": ids::setting(8, 2).to_string() }],
            "sections": [{
                "name": format!("{} Information", kind.singular()),
                "display_label": format!("{} Information", kind.singular()),
                "api_name": format!("{} Information", kind.singular()),
                "sequence_number": 1,
                "generated_type": "default",
                "type": "used",
                "tab_traversal": 2,
                "column_count": 2,
                "isSubformSection": false,
                "fields": fields,
            }],
        })
    }

    pub fn pipelines_of(&self, call: &Call) -> Result<Reply, Refusal> {
        let layout = call.parameter("layout_id").filter(|id| !id.is_empty());
        let layout = layout.ok_or_else(|| Refusal::missing_param("layout_id"))?;
        if ids::parse(&layout) != Some(layout_id(Kind::Deals)) {
            return Err(Refusal::invalid("the layout id given seems to be invalid").with("param_name", "layout_id"));
        }
        let all: Vec<Value> =
            self.pipelines.iter().enumerate().map(|(at, pipeline)| pipeline_json(at, pipeline)).collect();
        Ok(Reply::json(200, &json!({ "pipeline": all })))
    }

    pub fn related(&self, call: &Call) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        let lists: Vec<Value> = related_lists(kind)
            .iter()
            .enumerate()
            .map(|(at, list)| {
                json!({
                    "id": ids::setting(7, kind as u64 * 100 + at as u64).to_string(),
                    "api_name": list.name,
                    "name": list.name,
                    "display_label": list.name.replace('_', " "),
                    "module": { "api_name": list.kind.name(), "id": module_id(list.kind).to_string() },
                    "sequence_number": (at + 1).to_string(),
                    "type": "default",
                    "href": format!("{}/{{ENTITYID}}/{}", kind.name(), list.name),
                    "action": null,
                    "visible": true,
                    "customize_sort": false,
                })
            })
            .collect();
        if lists.is_empty() {
            return Ok(Reply::empty(204));
        }
        Ok(Reply::json(200, &json!({ "related_lists": lists })))
    }

    pub fn duplicate_preference(&self, call: &Call) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        let Some(field) = kind.duplicate_field() else { return Ok(Reply::empty(204)) };
        let fields = [json!({ "api_name": field })];
        let preference = json!({ "type": "mapped_module_records", "type_configurations": [{
            "mapped_module": { "api_name": kind.name(), "id": module_id(kind).to_string(), "name": kind.name() },
            "field_mappings": fields.map(|field| json!({ "current_field": field, "mapped_field": field })),
        }] });
        Ok(Reply::json(200, &json!({ "duplicate_check_preference": preference })))
    }
}

pub fn layout_id(kind: Kind) -> u64 {
    ids::setting(2, kind as u64 + 1)
}

fn pipeline_json(at: usize, pipeline: &Pipeline) -> Value {
    let id = Pipeline::id(at);
    let maps: Vec<Value> = pipeline
        .stages
        .iter()
        .enumerate()
        .map(|(place, stage)| {
            let category = ids::setting(4, stage.forecast as u64 + 1);
            json!({
                "display_value": stage.display,
                "actual_value": stage.actual,
                "sequence_number": place + 1,
                "id": (id + place as u64 + 1).to_string(),
                "forecast_type": stage.forecast.name(),
                "forecast_category": { "name": stage.forecast.category(), "id": category.to_string() },
            })
        })
        .collect();
    json!({
        "id": id.to_string(),
        "display_value": pipeline.name,
        "actual_value": pipeline.name,
        "default": at == 0,
        "child_available": true,
        "maps": maps,
    })
}
