use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    slot::{Slot, TokenInfo},
};

use super::{calls::Calls, failure::failed};
use crate::{Pkcs11Uri, TokenError};

/// What p11-kit installs: one module that has all that are configured.
const ALL_MODULES: &str = "p11-kit-proxy.so";

/// Modules that were loaded. A module is initialised once a process and stays, since C_Finalize would end the sessions of
/// everyone else who uses it.
static LOADED: Mutex<Vec<(PathBuf, Pkcs11)>> = Mutex::new(Vec::new());

pub(super) fn path(uri: &Pkcs11Uri) -> &Path {
    uri.module_path.as_deref().unwrap_or(Path::new(ALL_MODULES))
}

pub(super) fn load(path: &Path, calls: &Calls) -> Result<Pkcs11, TokenError> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, module)) = loaded.iter().find(|(known, _)| known == path) {
        return Ok(module.clone());
    }
    let not_loaded = |error| match error {
        Error::LibraryLoading(_) => TokenError::Module {
            call: "dlopen",
            problem: format!(
                "{} cannot be loaded: install the module, or name it by ?module-path= in the PKCS#11 URI",
                path.display()
            ),
        },
        error => failed("C_GetFunctionList")(error),
    };
    let module = Pkcs11::new(path).map_err(not_loaded)?;
    calls.call("C_Initialize", "", || {
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
            outcome => outcome,
        }
    })?;
    loaded.push((path.to_owned(), module.clone()));
    Ok(module)
}

/// The one slot whose token fits the URI, and that token.
pub(super) fn choose(module: &Pkcs11, uri: &Pkcs11Uri, calls: &Calls) -> Result<(Slot, TokenInfo), TokenError> {
    let mut fitting = Vec::new();
    let slots = calls.call("C_GetSlotList", "", || module.get_slots_with_initialized_token())?;
    for slot in slots {
        let token = calls.call("C_GetTokenInfo", "", || module.get_token_info(slot))?;
        let reader = calls.call("C_GetSlotInfo", "", || module.get_slot_info(slot))?;
        let fits = is(&uri.token, token.label())
            && is(&uri.serial, token.serial_number())
            && is(&uri.manufacturer, token.manufacturer_id())
            && is(&uri.model, token.model())
            && is(&uri.slot_description, reader.slot_description())
            && is(&uri.slot_manufacturer, reader.manufacturer_id())
            && uri.slot_id.is_none_or(|id| id == slot.id());
        if fits {
            fitting.push((slot, token));
        }
    }
    let name = |(_, token): &(Slot, TokenInfo)| {
        format!("token={};serial={}", token.label().trim(), token.serial_number().trim())
    };
    let problem = match fitting.as_slice() {
        [_] => return Ok(fitting.remove(0)),
        [] => "no token fits the PKCS#11 URI: insert it, or check its name with p11tool --list-tokens".to_owned(),
        several => {
            let names: Vec<_> = several.iter().map(name).collect();
            format!("several tokens fit the PKCS#11 URI: name one of {}", names.join(", "))
        }
    };
    Err(TokenError::Module { call: "C_GetSlotList", problem })
}

/// PKCS#11 pads its texts with spaces; an attribute that is absent fits.
fn is(asked: &Option<String>, found: &str) -> bool {
    asked.as_ref().is_none_or(|asked| asked.trim_end() == found.trim_end_matches(['\0', ' ']))
}
