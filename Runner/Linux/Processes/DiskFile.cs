namespace Runner.Linux.Processes;

/// <summary>Looks at files so that what a disk does not tell of is not taken for what is not there.</summary>
static class DiskFile
{
    // What File.Exists and its like answer no to is also whatever could not be looked at; attributes are an error then.
    private const FileAttributes None = (FileAttributes)(-1);

    /// <exception cref="IOException">The disk does not tell.</exception>
    public static bool Exists(string path) => new FileInfo(path).Attributes != None;

    /// <summary>Its size in bytes; 0: there is no such file.</summary>
    /// <exception cref="IOException">The disk does not tell.</exception>
    public static long Size(string path)
    {
        var file = new FileInfo(path);
        return file.Attributes == None ? 0 : file.Length;
    }
}
