namespace MagicBellJwt;

/// <summary>The columns in which files say who somebody is: the module's own names, the API's, and those of personnel systems.</summary>
internal static class UserColumns
{
    internal const string UserId = "UserId";
    internal const string UserIdAlias = "user_id";
    internal const string Email = "Email";
    internal const string Mail = "Mail";
    internal const string EMail = "E-mail";
    internal const string PrincipalName = "UserPrincipalName";
    internal const string ExternalId = "ExternalId";
    internal const string ExternalIdAlias = "external_id";
}
