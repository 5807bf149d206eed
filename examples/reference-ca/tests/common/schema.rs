//! As much of JSON Schema (2020-12) as the description of the interface uses; anything else in it is an error.

use serde_json::Value;

/// What is wrong with a value, or nothing.
pub fn validate(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{what}: {value} against {schema}"));
    for (keyword, argument) in schema.as_object().unwrap() {
        let fits = match keyword.as_str() {
            "$ref" => {
                let pointer = argument.as_str().unwrap().strip_prefix('#').unwrap();
                validate(document, document.pointer(pointer).expect(pointer), value)?;
                true
            }
            "type" => match argument {
                Value::Array(kinds) => kinds.iter().any(|kind| is(value, kind)),
                kind => is(value, kind),
            },
            "enum" => argument.as_array().unwrap().contains(value),
            "pattern" => value.as_str().is_none_or(|text| matches(argument.as_str().unwrap(), text)),
            "minLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 >= argument.as_u64().unwrap()),
            "maxLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 <= argument.as_u64().unwrap()),
            "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= argument.as_u64().unwrap()),
            "minimum" => value.as_i64().is_none_or(|number| number >= argument.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|number| number <= argument.as_i64().unwrap()),
            "required" => argument.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "additionalProperties" => {
                assert_eq!(argument, &Value::Bool(false));
                let known = &schema["properties"];
                value.as_object().is_none_or(|object| object.keys().all(|name| known.get(name).is_some()))
            }
            "properties" => {
                for (name, schema) in argument.as_object().unwrap() {
                    value.get(name).map_or(Ok(()), |value| validate(document, schema, value))?;
                }
                true
            }
            "items" => {
                value.as_array().into_iter().flatten().try_for_each(|value| validate(document, argument, value))?;
                true
            }
            "description" | "default" => true,
            other => return wrong(&format!("{other} is not known here")),
        };
        if !fits {
            return wrong(keyword);
        }
    }
    Ok(())
}

fn is(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    }
}

/// Patterns of characters and sets, each maybe repeated, from the begin to the end.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.strip_prefix('^').unwrap().strip_suffix('$').unwrap();
    let mut text: &[u8] = text.as_bytes();
    while let Some(first) = rest.chars().next() {
        let set = if first == '[' { rest[1..].split(']').next().unwrap() } else { &rest[..1] };
        rest = if first == '[' { &rest[set.len() + 2..] } else { &rest[1..] };
        let (least, most) = if let Some(after) = rest.strip_prefix('+') {
            rest = after;
            (1, usize::MAX)
        } else if let Some((bounds, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            rest = after;
            let (least, most) = bounds.split_once(',').unwrap_or((bounds, bounds));
            (least.parse().unwrap(), most.parse().unwrap())
        } else {
            (1, 1)
        };
        let many = text.iter().take_while(|byte| contains(set.as_bytes(), **byte)).take(most).count();
        if many < least {
            return false;
        }
        text = &text[many..];
    }
    text.is_empty()
}

fn contains(mut set: &[u8], byte: u8) -> bool {
    while let [first, rest @ ..] = set {
        if let [b'-', last, rest @ ..] = rest {
            if (*first..=*last).contains(&byte) {
                return true;
            }
            set = rest;
        } else {
            if *first == byte {
                return true;
            }
            set = rest;
        }
    }
    false
}

#[test]
fn the_validator_says_no() {
    use serde_json::json;
    let document = json!({ "s": { "type": "string", "pattern": "^[0-9a-f]{2}-[!-~]+$" } });
    let check = |schema, value| validate(&document, &schema, &value).is_ok();
    assert!(check(json!({ "$ref": "#/s" }), json!("a0-Z")));
    for bad in [json!("a0-"), json!("a0 x"), json!("g0-x"), json!("a-x"), json!("a0-ž"), json!(1), json!(null)] {
        assert!(!check(json!({ "$ref": "#/s" }), bad.clone()), "{bad}");
    }
    let object = json!({ "type": "object", "required": ["a"], "additionalProperties": false, "properties": { "a": { "type": ["null", "integer"], "maximum": 3 } } });
    assert!(check(object.clone(), json!({ "a": null })) && check(object.clone(), json!({ "a": 3 })));
    for bad in [json!({}), json!({ "a": 4 }), json!({ "a": "" }), json!({ "a": 1, "b": 1 }), json!([])] {
        assert!(!check(object.clone(), bad.clone()), "{bad}");
    }
    assert!(!check(json!({ "type": "array", "minItems": 1 }), json!([])));
    assert!(!check(json!({ "type": "array", "items": { "enum": ["a"] } }), json!(["a", "b"])));
    assert!(!check(json!({ "minLength": 2 }), json!("ž")) && !check(json!({ "maxLength": 1 }), json!("ab")));
    assert!(!check(json!({ "oneOf": [] }), json!(1)));
}
