"""Which options of Traefik users may set, within which bounds, and why not the others.

An option that is not here is refused. So one that a later version of Traefik brings is refused until it is judged:
``script/traefik`` reads what there is, and a test compares it with this.
"""

from __future__ import annotations

from collections.abc import Mapping

from headway.drivers.edge.option_shapes import Flag, Named, Number, Options, Several, Shape, Text, Time
from headway.drivers.edge.route_file import PROBE_PRIORITY

RETRY = "retry"
CHAIN = "chain"
BUFFERING = "buffering"
ERRORS = "errors"
_MIB = 1 << 20
_MOST_TRIES = 10
_LARGEST_BODY = 64 * _MIB
_LARGEST_IN_MEMORY = 4 * _MIB
_INT = Number(most=2**31 - 1)
_TEXT = Text()
_TEXTS = Several(_TEXT)
_FLAG = Flag()
_LONG_TIME = Time(most_seconds=86_400)
_HEADERS = Named(Text(pattern=r"[^\x00-\x08\x0a-\x1f\x7f]*", words="a text in one line"))
_STATUS = Number(least=100, most=599)
# bcrypt takes twice as long for each step of its cost, at every request that brings a password: 2^12 is some 0.25 s.
_USER = Text(
    pattern=r"[^:\r\n]{1,255}:(\$2[aby]\$(0[4-9]|1[0-2])\$[./A-Za-z0-9]{53}|\$apr1\$[^:\s]{1,64}|\{SHA\}[^:\s]{1,64})",
    words="a name and its password's hash, as htpasswd makes it (bcrypt of a cost from 4 to 12, apr1 or SHA)",
)
_DIGEST_USER = Text(
    pattern=r"[^:\r\n]{1,255}:[^:\r\n]{1,255}:[0-9a-f]{32}", words="a name, a realm and a hash, as htdigest makes it"
)


def why_not(path: str) -> str:
    """Why an option is refused, by its path with ``*`` for names."""
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        if (reason := _REASONS.get(".".join(parts[:end]).casefold())) is not None:
            return reason
    return UNJUDGED


def _options(path: str, known: Mapping[str, Shape], *, needed: frozenset[str] = frozenset()) -> Options:
    return Options(known, needed=needed, why_not=lambda key: why_not(f"{path}.{key}"))


def _middleware(kind: str, known: Mapping[str, Shape], *, needed: frozenset[str] = frozenset()) -> Options:
    return _options(f"http.middlewares.*.{kind}", known, needed=needed)


def _address_choice(path: str) -> Options:
    return _options(path, {"depth": _INT, "excludedIPs": _TEXTS, "ipv6Subnet": Number(most=128)})


def _source(kind: str) -> Options:
    path = f"http.middlewares.*.{kind}.sourceCriterion"
    known: Mapping[str, Shape] = {
        "ipStrategy": _address_choice(f"{path}.ipStrategy"),
        "requestHeaderName": _TEXT,
        "requestHost": _FLAG,
    }
    return _options(path, known)


_MIDDLEWARES: Mapping[str, Options] = {
    "addPrefix": _middleware("addPrefix", {"prefix": _TEXT}),
    "basicAuth": _middleware(
        "basicAuth", {"users": Several(_USER), "realm": _TEXT, "removeHeader": _FLAG, "headerField": _TEXT}
    ),
    BUFFERING: _middleware(
        BUFFERING,
        {
            "maxRequestBodyBytes": Number(least=1, most=_LARGEST_BODY),
            "memRequestBodyBytes": Number(most=_LARGEST_IN_MEMORY),
            "maxResponseBodyBytes": Number(least=1, most=_LARGEST_BODY),
            "memResponseBodyBytes": Number(most=_LARGEST_IN_MEMORY),
            "retryExpression": _TEXT,
        },
        needed=frozenset({"maxRequestBodyBytes", "maxResponseBodyBytes"}),
    ),
    CHAIN: _middleware(CHAIN, {"middlewares": _TEXTS}, needed=frozenset({"middlewares"})),
    "circuitBreaker": _middleware(
        "circuitBreaker",
        {
            "expression": _TEXT,
            "checkPeriod": _LONG_TIME,
            "fallbackDuration": _LONG_TIME,
            "recoveryDuration": _LONG_TIME,
            "responseCode": _STATUS,
        },
    ),
    "compress": _middleware(
        "compress",
        {
            "excludedContentTypes": _TEXTS,
            "includedContentTypes": _TEXTS,
            "minResponseBodyBytes": Number(most=_MIB),
            "encodings": _TEXTS,
            "defaultEncoding": _TEXT,
        },
    ),
    "contentType": _middleware("contentType", {"autoDetect": _FLAG}),
    "digestAuth": _middleware(
        "digestAuth", {"users": Several(_DIGEST_USER), "realm": _TEXT, "removeHeader": _FLAG, "headerField": _TEXT}
    ),
    ERRORS: _middleware(
        ERRORS,
        {
            "status": _TEXTS,
            "statusRewrites": Named(_STATUS),
            "service": _TEXT,
            "query": _TEXT,
            "errorRequestHeaders": _TEXTS,
        },
        needed=frozenset({"service"}),
    ),
    "grpcWeb": _middleware("grpcWeb", {"allowOrigins": _TEXTS}),
    "headers": _middleware(
        "headers",
        {
            **dict.fromkeys(("customRequestHeaders", "customResponseHeaders", "sslProxyHeaders"), _HEADERS),
            **dict.fromkeys(
                (
                    *("accessControlAllowHeaders", "accessControlAllowMethods", "accessControlAllowOriginList"),
                    *("accessControlAllowOriginListRegex", "accessControlExposeHeaders", "allowedHosts"),
                    "hostsProxyHeaders",
                ),
                _TEXTS,
            ),
            **dict.fromkeys(
                (
                    *("accessControlAllowCredentials", "addVaryHeader", "stsIncludeSubdomains", "stsPreload"),
                    *("forceSTSHeader", "frameDeny", "contentTypeNosniff", "browserXssFilter", "isDevelopment"),
                    *("sslRedirect", "sslTemporaryRedirect", "sslForceHost"),
                ),
                _FLAG,
            ),
            **dict.fromkeys(
                (
                    *("customFrameOptionsValue", "customBrowserXSSValue", "contentSecurityPolicy"),
                    *("contentSecurityPolicyReportOnly", "publicKey", "referrerPolicy", "permissionsPolicy"),
                    *("featurePolicy", "sslHost"),
                ),
                _TEXT,
            ),
            **dict.fromkeys(("accessControlMaxAge", "stsSeconds"), _INT),
        },
    ),
    "inFlightReq": _middleware("inFlightReq", {"amount": _INT, "sourceCriterion": _source("inFlightReq")}),
    "ipAllowList": _middleware(
        "ipAllowList",
        {
            "sourceRange": _TEXTS,
            "ipStrategy": _address_choice("http.middlewares.*.ipAllowList.ipStrategy"),
            "rejectStatusCode": _STATUS,
        },
    ),
    "rateLimit": _middleware(
        "rateLimit",
        {"average": _INT, "period": _LONG_TIME, "burst": _INT, "sourceCriterion": _source("rateLimit")},
    ),
    "redirectRegex": _middleware("redirectRegex", {"regex": _TEXT, "replacement": _TEXT, "permanent": _FLAG}),
    "redirectScheme": _middleware("redirectScheme", {"scheme": _TEXT, "port": _TEXT, "permanent": _FLAG}),
    "replacePath": _middleware("replacePath", {"path": _TEXT}),
    "replacePathRegex": _middleware("replacePathRegex", {"regex": _TEXT, "replacement": _TEXT}),
    RETRY: _middleware(
        RETRY,
        {
            "attempts": Number(least=1, most=_MOST_TRIES),
            "timeout": Time(most_seconds=600),
            "initialInterval": Time(most_seconds=60),
            "maxRequestBodyBytes": Number(most=_LARGEST_IN_MEMORY),
            "status": _TEXTS,
            "disableRetryOnNetworkError": _FLAG,
            "retryNonIdempotentMethod": _FLAG,
        },
    ),
    "stripPrefix": _middleware("stripPrefix", {"prefixes": _TEXTS, "forceSlash": _FLAG}),
    "stripPrefixRegex": _middleware("stripPrefixRegex", {"regex": _TEXTS}),
}
MIDDLEWARE = Options(_MIDDLEWARES, why_not=lambda key: why_not(f"http.middlewares.*.{key}"), bare=True)
ROUTER = _options(
    "http.routers.*",
    {
        "rule": Text(pattern=r"[\s\S]*\S[\s\S]*", words="a text such as PathPrefix(`/admin`)"),
        "service": _TEXT,
        "middlewares": _TEXTS,
        "entryPoints": _TEXTS,
        "priority": Number(most=PROBE_PRIORITY - 1),
        "tls": _options("http.routers.*.tls", {"certResolver": _TEXT}),
    },
    needed=frozenset({"rule", "service", "entryPoints"}),
)
_COOKIE: Mapping[str, Shape] = {
    **dict.fromkeys(("name", "sameSite", "path", "domain"), _TEXT),
    **dict.fromkeys(("secure", "httpOnly"), _FLAG),
    "maxAge": Number(least=-1, most=2**31 - 1),
}
_BALANCER = "http.services.*.loadBalancer"
_SERVER = _options(f"{_BALANCER}.servers[]", {"url": _TEXT, "weight": _INT, "preservePath": _FLAG})
SERVICE = _options(
    "http.services.*",
    {
        "loadBalancer": _options(
            _BALANCER,
            {
                "servers": Several(_SERVER),
                "passHostHeader": _FLAG,
                "sticky": _options(
                    f"{_BALANCER}.sticky",
                    {"cookie": _options(f"{_BALANCER}.sticky.cookie", _COOKIE)},
                ),
                "responseForwarding": _options(f"{_BALANCER}.responseForwarding", {"flushInterval": _LONG_TIME}),
            },
        )
    },
    needed=frozenset({"loadBalancer"}),
)
TREE = Options(
    {
        "http": _options(
            "http", {"routers": Named(ROUTER), "middlewares": Named(MIDDLEWARE), "services": Named(SERVICE)}
        )
    },
    why_not=why_not,
)

UNJUDGED = "this cannot be set here: Headway does not know this option, or not what it does to others"
_FOREIGN = "this cannot be set here: files cannot set it, other sources of configuration do"
_FILES = "this cannot be set here: no files can be read"
_USERS_FILE = "this cannot be set here: no files can be read; list the users"
_ASKS = "this cannot be set here: the edge asks the application's own servers only"
_WHOLE = "this cannot be set here: it is of the whole edge"
_SERVERS = "this cannot be set here: the servers, and how they are looked after, are Headway's to say"
_LOW = "this cannot be set here: the edge leads requests of HTTP only"
# Traefik has them for what it makes of other sources; its reader of files does not take them.
_HIDDEN = (
    *("http.routers.*.DefaultRule", "http.routers.*.DeniedEncodedPathCharacters", "http.routers.*.tls.ResolvedOptions"),
    *("http.routers.*.tls.ConflictingOptions", "http.services.*.Observability", f"{_BALANCER}.NginxUpstreamHashBy"),
    *(f"{_BALANCER}.servers[].{name}" for name in ("Fenced", "Scheme", "Port")),
    *(f"{_BALANCER}.sticky.cookie.{name}" for name in ("Expires", "PreserveLeadingDot")),
    *(
        f"http.middlewares.*.{name}"
        for name in (
            *("AppRoot", "RequestHeaderModifier", "RequestRedirect", "ResponseHeaderModifier", "RewriteTarget"),
            *("Snippet", "URLRewrite", "UpstreamVHost", "buffering.DisableRequestBuffer"),
            *("buffering.DisableResponseBuffer", "errors.NginxHeaders", "redirectRegex.StatusCode"),
            "redirectScheme.ForcePermanentRedirect",
        )
    ),
)
_REASONS: Mapping[str, str] = {
    path.casefold(): reason
    for path, reason in {
        **dict.fromkeys(_HIDDEN, _FOREIGN),
        "tcp": _LOW,
        "udp": _LOW,
        "tls": f"{_WHOLE}; certificates.* keeps certificates",
        "http.models": _WHOLE,
        "http.serversTransports": "this cannot be set here: it names files, and is of the whole edge",
        "http.routers.*.parentRefs[]": "this cannot be set here: routers have no routers above them",
        "http.routers.*.parentRefs": "this cannot be set here: routers have no routers above them",
        "http.routers.*.ruleSyntax": "this cannot be set here: rules are read in the syntax of Traefik 3",
        "http.routers.*.observability": f"{_WHOLE}, which keeps no logs, metrics or traces",
        "http.routers.*.tls.options": f"{_WHOLE}: options of TLS hold for all names",
        "http.routers.*.tls.domains": "this cannot be set here: certificates are asked for the names of domains",
        "http.routers.*.tls.domains[]": "this cannot be set here: certificates are asked for the names of domains",
        "http.services.*.middlewares": "this cannot be set here: name them in the router",
        "http.services.*.middlewares[]": "this cannot be set here: name them in the router",
        "http.services.*.weighted": _SERVERS,
        "http.services.*.mirroring": _SERVERS,
        "http.services.*.failover": _SERVERS,
        "http.services.*.highestRandomWeight": _SERVERS,
        f"{_BALANCER}.healthCheck": _SERVERS,
        f"{_BALANCER}.passiveHealthCheck": _SERVERS,
        f"{_BALANCER}.strategy": _SERVERS,
        f"{_BALANCER}.serversTransport": _SERVERS,
        "http.middlewares.*.ipWhiteList": "this cannot be set here: it is called ipAllowList",
        "http.middlewares.*.forwardAuth": _ASKS,
        "http.middlewares.*.rateLimit.redis": _ASKS,
        "http.middlewares.*.basicAuth.usersFile": _USERS_FILE,
        "http.middlewares.*.digestAuth.usersFile": _USERS_FILE,
        "http.middlewares.*.encodedCharacters": f"{_WHOLE}, which refuses encoded slashes and the like in paths",
        "http.middlewares.*.passTLSClientCert": f"{_WHOLE}, which asks nobody for a certificate",
        "http.middlewares.*.plugin": "this cannot be set here: it is code",
        "http.middlewares.*.AuthTLSPassCertificateToUpstream": _FILES,
    }.items()
}
