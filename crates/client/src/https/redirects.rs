use obnova_enroll::est::{HttpRequest, HttpResponse, RedirectError, Site};

use crate::CaError;

/// Asks `site`, and again where it sends the request on to, which is itself or nowhere.
pub(super) fn follow(
    site: &Site,
    request: &HttpRequest,
    ask: impl Fn(&HttpRequest) -> Result<HttpResponse, CaError>,
) -> Result<HttpResponse, CaError> {
    let mut answer = ask(request)?;
    let mut sent_on = site.redirect(request, &answer)?;
    for _ in 0..Site::MAX_REDIRECTS {
        let Some(mut again) = sent_on else { return Ok(answer) };
        answer = ask(&again)?;
        sent_on = site.redirect(&again, &answer)?;
        // A password may be in it.
        again.body.fill(0);
    }
    sent_on.map_or(Ok(answer), |_| Err(RedirectError::Endless.into()))
}
