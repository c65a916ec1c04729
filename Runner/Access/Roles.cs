namespace Runner.Access;

/// <summary>Each role's one spelling, the same on certificates, in policies and on screens.</summary>
static class Roles
{
    /// <summary>What an error offers when a role was not understood.</summary>
    public const string Valid = "admin, writer, user or reader";

    public static string Word(this Role role) => role switch
    {
        Role.Admin => "admin",
        Role.Writer => "writer",
        Role.User => "user",
        Role.Reader => "reader",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "not a role"),
    };

    /// <summary>"admin", "writer or admin", "user, writer or admin".</summary>
    public static string Words(IEnumerable<Role> roles)
    {
        var words = roles.Select(Word).ToList();
        return words.Count < 2 ? string.Concat(words) : $"{string.Join(", ", words[..^1])} or {words[^1]}";
    }

    /// <summary>Exact and lower-case only: what is nearly a role is none.</summary>
    public static bool TryParse(string? text, out Role role)
    {
        Role? found = text switch
        {
            "admin" => Role.Admin,
            "writer" => Role.Writer,
            "user" => Role.User,
            "reader" => Role.Reader,
            _ => null,
        };
        role = found ?? default;
        return found is not null;
    }
}
