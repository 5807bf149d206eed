use std::time::SystemTime;

use obnova_renewal::{Plan, Policy};

use super::renew::{self, Way};
use crate::{
    cli::{FirstOptions, Global},
    failure::{Errand, Failure},
    holder::{Face, Holder},
    journals,
    pins::Pins,
    service::Service,
};

/// `first`: asks for first certificates with a user id and a one-time password, or goes on with that.
pub fn run(global: &Global, options: &FirstOptions) -> Result<(), Failure> {
    let pins = Pins::read_for_first(&options.pins, &options.credentials)?;
    let folder = journals::folder(global)?;
    let face = Face::new(Errand::First);
    let user = options.user.clone();
    let holder = Holder { agrees: options.yes, user, gives_credentials: true, ..Holder::new(&face, pins) };
    let way = Way { wait: options.wait, module: options.of_module.as_deref(), plain: options.plain };
    if options.resume {
        return renew::resume(global, &folder, holder, &face, &way);
    }
    let policy = Service::asked_for(&options.service)?;
    // Of a service that nobody named it is not known what its CA takes.
    let optional = policy.revocation_password_optional && options.service.is_named();
    let policy = Policy { revocation_password_optional: optional, ..policy };
    let way = way.of(&policy);
    let spent = journals::spent_keys(&folder)?;
    renew::begin(global, &folder, holder, &face, &way, |card, ca| {
        let plan = |policy: &_| Plan::first_beside(card, policy, &spent, SystemTime::now());
        Ok(ca.wishes()?.plan(card, &policy, plan)?)
    })
}
