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
        let Some(again) = sent_on else { return Ok(answer) };
        answer = ask(&again)?;
        sent_on = site.redirect(&again, &answer)?;
    }
    sent_on.map_or(Ok(answer), |_| Err(RedirectError::Endless.into()))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use obnova_enroll::est::{Headers, Method};

    use super::*;

    /// Follows what a server says to each request in turn; what it was asked.
    fn asked(method: Method, says: &[(u16, &str)]) -> (Result<u16, CaError>, Vec<HttpRequest>) {
        let site = Site::parse("https://ca.example:8443").unwrap();
        let headers = Headers::from_iter([("Authorization", "Basic b25jZQ==")]);
        let request = HttpRequest { method, path: "/first".into(), headers, body: b"order".to_vec() };
        let asked = RefCell::new(Vec::new());
        let answer = follow(&site, &request, |request| {
            let (status, location) = says[asked.borrow().len()];
            asked.borrow_mut().push(request.clone());
            Ok(HttpResponse { status, headers: [("Location", location)].into_iter().collect(), body: Vec::new() })
        });
        (answer.map(|answer| answer.status), asked.into_inner())
    }

    #[test]
    fn on_the_same_server_the_same_request_is_sent_on() {
        let says = [(307, "/second"), (308, "https://CA.example:8443/third"), (307, "/fourth"), (200, "")];
        let (answer, asked) = self::asked(Method::Post, &says);
        assert_eq!(answer.unwrap(), 200);
        let paths: Vec<_> = asked.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["/first", "/second", "/third", "/fourth"]);
        assert!(asked.iter().all(|one| one.method == Method::Post && one.body == b"order"));
        assert!(asked.iter().all(|one| one.headers == asked[0].headers));
        for status in [301, 302, 303] {
            let (answer, asked) = self::asked(Method::Get, &[(status, "/second"), (200, "")]);
            assert_eq!((answer.unwrap(), asked.len()), (200, 2), "a question stays what it is after {status}");
        }
    }

    #[test]
    fn nothing_is_sent_anywhere_else_nor_on_and_on_nor_as_something_else() {
        for elsewhere in
            ["https://ca.example/", "https://evil.example:8443/", "http://ca.example:8443/", "//evil.example/", ""]
        {
            let (answer, asked) = self::asked(Method::Post, &[(307, elsewhere)]);
            let is_told = matches!(answer, Err(CaError::Redirect(RedirectError::OtherOrigin { .. })));
            assert_eq!((is_told, asked.len()), (true, 1), "{elsewhere}");
        }
        let (answer, asked) = self::asked(Method::Post, &[(302, "/second")]);
        let is_told = matches!(answer, Err(CaError::Redirect(RedirectError::OtherRequest { status: 302 })));
        assert_eq!((is_told, asked.len()), (true, 1));
        let (answer, asked) = self::asked(Method::Get, &[(307, "/first"); 9]);
        let is_told = matches!(answer, Err(CaError::Redirect(RedirectError::Endless)));
        assert_eq!((is_told, asked.len()), (true, 1 + Site::MAX_REDIRECTS));
    }
}
