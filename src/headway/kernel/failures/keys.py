"""Tokens and keys that a library asks for as it begins, and what a service says of those that it was given."""

from __future__ import annotations

from headway.kernel.failures.rule import Rule, rule

_SET = "headway env set APP"

# Of libraries that ask for one key: what they say, and the variable that it mostly has.
_LIBRARIES = (
    (
        r"OPENAI_API_KEY environment variable is missing|OpenAIError: (?:Missing credentials|The api_key)",
        "OpenAI's client",
        "OPENAI_API_KEY",
    ),
    (r"Neither apiKey nor config\.authenticator provided", "Stripe's client", "STRIPE_SECRET_KEY"),
    (r"Missing API key\. Pass it to the constructor `new Resend", "Resend's client", "RESEND_API_KEY"),
    (r"@clerk/\S{1,40}: Missing publishableKey|Missing publishableKey", "Clerk", "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY"),
    (r"secretOrPrivateKey must have a value|JwtStrategy requires a secret", "what signs tokens", "JWT_SECRET"),
    (r"Missing(?:AuthSecret|Secret)\b|\bNO_SECRET\b", "Auth.js", "AUTH_SECRET"),
)

RULES: tuple[Rule, ...] = (
    rule(
        r"^.{0,60}(?:LoginFailure: Improper token|TokenInvalid|An invalid token was provided|LoginFailure: .{0,60}token|"
        r"InvalidToken\b|ETELEGRAM: 40[14] (?:Unauthorized|Not Found)|401: (?:Unauthorized|Invalid token)|TelegramUnauthorizedError|"
        r"TokenValidationError: Token is invalid|slack_sdk\.errors.{0,60}invalid_auth|An API error occurred: invalid_auth).{0,160}",
        "the token that the bot was given is none, or another one by now",
        f"take it from the service's page for developers, and set the variable that the bot reads: {_SET} "
        "DISCORD_TOKEN=... (or BOT_TOKEN, TELEGRAM_TOKEN)",
    ),
    rule(
        r"^.{0,80}(?:PrivilegedIntentsRequired|Used disallowed intents|[Pp]rivileged intents?).{0,300}",
        "the bot wants intents that are not switched on for it",
        "switch them on at discord.com/developers/applications (Bot, Privileged Gateway Intents), or do without them in "
        "the source",
        last=True,
    ),
    rule(
        r"^.{0,80}?\b(?P<names>[A-Z][A-Z0-9_]{3,60}(?:(?:,| and|, and| or) [A-Z][A-Z0-9_]{3,60}){0,6}) "
        r"(?:env|environment)(?: ?vars?| ?variables?)? .{0,80}(?:required|missing|not (?:set|defined|found)|must be set).{0,80}",
        "these variables are read and not set: {names}",
        f"{_SET} NAME=... for each; one that begins with NEXT_PUBLIC_ or VITE_ is read by the build",
    ),
    rule(
        r"^.{0,80}(?:supabaseUrl is required|supabaseKey is required).{0,60}",
        "Supabase's client is made without its address or key",
        f"set the variables that it reads: {_SET} NEXT_PUBLIC_SUPABASE_URL=... NEXT_PUBLIC_SUPABASE_ANON_KEY=... "
        "(SUPABASE_URL and SUPABASE_KEY, as the source has them)",
    ),
    rule(
        r"^.{0,80}(?:Firebase: (?:Error|No Firebase App).{0,20}\((?:auth|app)/(?:invalid-api-key|api-key-not-valid|no-app)|auth/(?:invalid-api-key|api-key-not-valid)).{0,160}",
        "Firebase is started without its key: the variables of its configuration are not set where it is built",
        f"{_SET} NEXT_PUBLIC_FIREBASE_API_KEY=... and the others that its configuration reads (VITE_FIREBASE_..., "
        "REACT_APP_FIREBASE_...), and deploy again; or start it in the browser only",
    ),
    *(
        rule(
            rf"^.{{0,120}}(?:{says}).{{0,200}}",
            f"{library} is given no key",
            f"{_SET} {name}=..., or whichever the source reads for it",
        )
        for says, library, name in _LIBRARIES
    ),
    rule(
        r"^.{0,80}(?:Neither apiKey nor config\.authenticator provided|The OPENAI_API_KEY environment variable is missing|"
        r"Missing API key\. Pass it to the constructor|The api_key client option must be set|"
        r"(?:Missing|No|Invalid|missing required|Please provide (?:a|an|your)) (?:[A-Z]\w{1,30} )?(?:API|api|publishable|secret|Publishable|Secret)[ _-]?[Kk]ey|"
        r"Missing (?:publishableKey|secretKey|apiKey)|auth/invalid-api-key|secretOrPrivateKey must have a value|"
        r"JwtStrategy requires a secret|secret option required for sessions|Missing(?:AuthSecret|Secret)\b|NO_SECRET).{0,200}",
        "a library is given no key, since the variable that has it is not set",
        f"set the one that the source reads for it ({_SET} OPENAI_API_KEY=..., STRIPE_SECRET_KEY=..., JWT_SECRET=..., "
        "AUTH_SECRET=...)",
    ),
    rule(
        r"^.{0,120}(?:Error|Exception)\b.{0,80}\b(?:status(?: code)?:?|HTTP|Response code) (?P<what>40[13])\b(?! while getting).{0,120}",
        "a server that it asks does not let it in ({what})",
        f"set the variable that has its key or token: {_SET} NAME=..., as the source reads it",
    ),
    rule(
        r"^.{0,80}(?:Invalid API Key provided|Incorrect API key provided|API key not valid|invalid x-api-key|AuthenticationError: .{0,40}40[13]).{0,160}",
        "a service does not take the key that it is given",
        f"take a new one from its page, and set it: {_SET} NAME=...",
    ),
    rule(
        r"^.{0,80}(?:No database connection string was provided|Database connection string (?:format )?.{0,60}(?:neon|provided)|MongoParseError: Invalid scheme|MongooseError: The `uri` parameter|Invalid connection string|"
        r"Invalid scheme, expected connection string|Could not parse (?:SQLAlchemy|rfc1738) URL|Expected string or URL object, got None|"
        r"the URL must start with the protocol|Error validating datasource|connectionString.{0,20}undefined|"
        r"Can't load plugin: sqlalchemy\.dialects:postgres\b).{0,200}",
        "the address of the database is missing, or begins otherwise than its library wants",
        f"{_SET} DATABASE_URL=... (MONGODB_URI=mongodb://..., postgresql:// for SQLAlchemy)",
    ),
    rule(
        r"^.{0,80}(?:TypeError(?: \[ERR_INVALID_URL\])?: Invalid URL|code: 'ERR_INVALID_URL').{0,160}",
        "an address that is made of a variable is none, mostly since that is not set or lacks its https://",
        f"{_SET} NAME=https://... (NEXTAUTH_URL, NEXT_PUBLIC_APP_URL, …), as .env.example has it",
    ),
    rule(
        r"^.{0,80}: (?P<name>[A-Z][A-Z0-9_]{1,60}): (?:unbound variable|parameter not set|parameter null or not set).{0,40}",
        "a script reads {name}, which is not set",
        f"{_SET} {{name}}=...",
    ),
)
GENERAL: tuple[Rule, ...] = ()
