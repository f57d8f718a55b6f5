namespace MagicBellJwt;

/// <summary>How much a history says of people.</summary>
public enum HistoryDetail : long
{
    /// <summary>Ids of users, and nothing else of them.</summary>
    Standard,

    /// <summary>E-mail addresses and external ids of users too, where they are known.</summary>
    Personal,
}
