using System.Text;

namespace Runner.Certificates;

/// <summary>A file to be written. A secret one is readable by its owner alone from the moment it exists.</summary>
sealed class NewFile(string name, string text, bool secret)
{
    public string Name { get; } = name;

    public string Text { get; } = text;

    public bool Secret { get; } = secret;
}

/// <summary>Writes a set of files of which none may exist: all of them, or none. Nothing is ever overwritten.</summary>
static class NewFiles
{
    private const UnixFileMode SecretMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode FolderMode = SecretMode | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    private const UnixFileMode PublicMode = SecretMode | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <returns>The paths written, in the order given; the last one appears only when all others are complete.</returns>
    /// <exception cref="CertificateProblem">One of them exists already, or cannot be written; what was made is removed again.</exception>
    public static IReadOnlyList<string> Write(string folder, IReadOnlyList<NewFile> files)
    {
        var made = new List<string>();
        try
        {
            if (folder.Length == 0) throw new CertificateProblem("no folder is named; write . for the one you are in");
            // Whoever can write in the folder can put another authority there, whatever the umask lets through.
            Directory.CreateDirectory(folder, FolderMode);
            foreach (var path in files.Select(file => Path.Combine(folder, file.Name)))
                if (File.Exists(path)) throw Existing(path, null);
            foreach (var file in files) Create(Path.Combine(folder, file.Name), file, made);
            return made;
        }
        catch (Exception error)
        {
            foreach (var path in made) File.Delete(path);
            if (error is IOException or UnauthorizedAccessException or ArgumentException)
                throw new CertificateProblem($"cannot write certificates to {folder} ({error.Message}); nothing was kept there", error);
            throw;
        }
    }

    private static void Create(string path, NewFile file, List<string> made)
    {
        var options = new FileStreamOptions
        {
            // O_EXCL, which also refuses a symbolic link that somebody laid there (open(2)).
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = file.Secret ? SecretMode : PublicMode,
            BufferSize = 0,
        };
        using var stream = Open(path, options);
        made.Add(path);
        stream.Write(Encoding.ASCII.GetBytes(file.Text));
        stream.Flush(flushToDisk: true);
    }

    private static FileStream Open(string path, FileStreamOptions options)
    {
        try
        {
            return new FileStream(path, options);
        }
        catch (IOException error) when (new FileInfo(path) is { Exists: true } or { LinkTarget: not null })
        {
            throw Existing(path, error);
        }
    }

    private static CertificateProblem Existing(string path, Exception? inner) =>
        new($"{path} exists already and is never overwritten; move it away, or choose another name or folder", inner);
}
