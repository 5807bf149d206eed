use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use obnova_reference_ca::{Server, ServerConfig};

use super::{Certified, Joints, Newcomer};
use crate::{
    authority::Authority,
    stage::{Stage, rules::Broken},
};

impl<'s> Newcomer<'s> {
    /// Somebody who got the first certificates so long ago, from the same CA as it was then: the clocks of its server and of the
    /// holder stood where they stood. What comes after it is today.
    pub fn certified_ago(stage: &'s Stage, joints: Joints, ago: Duration) -> Result<Certified<'s>, Broken> {
        let then = Arc::new(move || SystemTime::now() - ago);
        let server = Server::start(ServerConfig { clock: then, ..ServerConfig::new(stage.shared_house().clone()) })?;
        let mut who = Self::new(stage, joints)?;
        who.behind = ago;
        who.authority = Authority { url: server.url(), ..stage.authority.clone() };
        let password = who.password(who.now())?;
        let certificates = who.certify(&password)?;
        who.behind = Duration::ZERO;
        who.authority = stage.authority.clone();
        who.forget();
        Ok(Certified { who, certificates })
    }
}
