namespace Runner.Access;

/// <summary>What a certificate entitles its holder to, from least to most.</summary>
enum Role
{
    /// <summary>Looks at and follows every job; changes none.</summary>
    Reader,

    /// <summary>Starts, looks at and follows its own jobs; stops none.</summary>
    User,

    /// <summary>Everything on its own jobs.</summary>
    Writer,

    /// <summary>Everything on every job.</summary>
    Admin,
}
